package dashboard_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// The tab of a bot's chat in other sites' pages: who may show it, what to paste.
func TestBotIsEmbedded(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	path := "/bots/" + s.Bot.PublicID + "/embed"
	page := r.get(path)
	page.want(t, 200, "Sites that may show this chat", "No active API token is bound to this bot.", "No site may show it yet", "whoever opens the page may chat")
	r.post(path, "version", page.value(t, "version"), "allowed_origins", "https://www.acme.example/shop").want(t, 422, "https://www.acme.example/shop", "no path")
	r.post(path, "version", page.value(t, "version"), "allowed_origins", "HTTPS://WWW.acme.example\r\nhttp://localhost:3000").
		want(t, 200, "Sites saved.", "https://www.acme.example\nhttp://localhost:3000", "!No site may show it yet")
	r.post(path, "version", page.value(t, "version"), "allowed_origins", "").want(t, 409, "Someone changed this meanwhile")

	token := s.Token(t, control.TokenForm{Bot: &s.Bot.PublicID})
	free := s.Token(t, control.TokenForm{})
	r.get(path).want(t, 200, "Data pipeline", "!"+token.Beta, "!"+token.Secret)
	code := r.post(path+"/code", "token", token.Row.PublicID)
	code.want(t, 200, "/embed.js", "data-key=", "&#34;"+token.Beta+"&#34;", "/embed/"+token.Beta, "/chat/share?shared_id="+s.Bot.PublicID, "!"+token.Secret, "!data-identity")
	if got := code.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the code is kept: %s", got)
	}
	r.post(path+"/code", "token", free.Row.PublicID).want(t, 404)
	r.post(path+"/code", "token", strings.Repeat("a", 32)).want(t, 404)
	found := false
	rows, err := s.DB.Audit(t.Context(), s.Workspace.ID, 0, 20)
	s.must(err)
	for _, row := range rows {
		found = found || row.Action == "token.reveal"
	}
	if !found {
		t.Error("showing the code is not in the audit log")
	}
	viewer := s.signIn(access.Viewer)
	viewer.get(path).want(t, 200, "https://www.acme.example", "!Show the code", "!Make a key")
	viewer.post(path+"/code", "token", token.Row.PublicID).want(t, 403)
	viewer.post("/bots/"+s.Bot.PublicID+"/identity").want(t, 403)
}

// The key is shown once; the tester says what is wrong, and uses nothing up.
func TestIdentityKeyAndTester(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	path := "/bots/" + s.Bot.PublicID + "/identity"
	made := r.post(path)
	made.want(t, 200, "Shown once.", "The key was made.", "createHmac")
	key := keyOf(t, made.body)
	r.get("/bots/"+s.Bot.PublicID+"/embed?for=php").want(t, 200, "hash_hmac", "On: the chat opens only", "!"+key)
	good := signedBy(t, key, jwt.MapClaims{"sub": "visitor-7", "name": "Mei <b>", "exp": s.Now().Add(2 * time.Minute).Unix()})
	for range 2 {
		r.post(path+"/try", "token", good).want(t, 200, "The chat would take it.", "sub visitor-7, name Mei &lt;b&gt;", "!"+key)
	}
	for sentence, token := range map[string]string{
		"There is no signed text here.":        "",
		"three parts with dots":                "abc",
		"The signature does not fit":           signedBy(t, "another", jwt.MapClaims{"sub": "a", "exp": s.Now().Add(time.Minute).Unix()}),
		"It has no exp":                        signedBy(t, key, jwt.MapClaims{"sub": "a"}),
		"at most 5 minutes are taken":          signedBy(t, key, jwt.MapClaims{"sub": "a", "exp": s.Now().Add(time.Hour).Unix()}),
		"It has no sub":                        signedBy(t, key, jwt.MapClaims{"exp": s.Now().Add(time.Minute).Unix()}),
		"(exp). Sign it when the page is made": signedBy(t, key, jwt.MapClaims{"sub": "a", "exp": s.Now().Add(-time.Minute).Unix()}),
	} {
		r.post(path+"/try", "token", token).want(t, 200, "The chat would refuse it.", sentence)
	}
	r.get(path).want(t, 200, "Replace the identity key?")
	second := keyOf(t, r.post(path).body)
	if second == key {
		t.Error("the key was not replaced")
	}
	r.post(path+"/try", "token", good).want(t, 200, "The signature does not fit")
	r.get(path+"/off").want(t, 200, "Let everyone in without a name?")
	r.post(path+"/off").want(t, 200, "Visitors need no name any more.", "Off: whoever opens")
	r.lang = "zh"
	r.get("/bots/"+s.Bot.PublicID+"/embed").want(t, 200, "允许显示这个聊天的网站", "具名访客")
}

func keyOf(t *testing.T, body string) string {
	t.Helper()
	found := regexp.MustCompile(`id="identity-key"[^>]*value="([^"]{43})"`).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no key in\n%s", body)
	}
	return found[1]
}

func signedBy(t *testing.T, key string, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What the page gives out to be pasted is run, and the chat takes what it signs.
func TestIdentityCodeSigns(t *testing.T) {
	s := newSite(t)
	s.Wait(-time.Until(s.Now())) // those who sign look at the machine's own clock
	key, err := s.Control.MakeIdentityKey(t.Context(), s.Owner, s.Bot.PublicID, 0)
	s.must(err)
	for language, one := range map[string]struct {
		file, more string
		run        []string
	}{
		"node":   {"sign.mjs", "\nconsole.log(chatIdentity(7, \"Mei 田中\"));\n", []string{"node", "sign.mjs"}},
		"python": {"sign.py", "\n\nprint(chat_identity(7, \"Mei 田中\"))\n", []string{"python3", "sign.py"}},
		"go":     {"sign.go", "\n\nfunc main() {\n\ttext, err := Identity(\"7\", \"Mei 田中\")\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tos.Stdout.WriteString(text)\n}\n", []string{"go", "run", "sign.go"}},
	} {
		code, err := os.ReadFile("identity/" + language + ".txt")
		s.must(err)
		folder := t.TempDir()
		text := strings.Replace(string(code), "package chat", "package main", 1) + one.more
		s.must(os.WriteFile(filepath.Join(folder, one.file), []byte(text), 0o600))
		run := exec.Command(one.run[0], one.run[1:]...)
		run.Dir, run.Env = folder, append(os.Environ(), "LATCHKEY_IDENTITY_KEY="+key, "GOFLAGS=")
		said, err := run.Output()
		if err != nil {
			t.Errorf("%s: %v", language, err)
			continue
		}
		id, err := s.Control.TryIdentity(t.Context(), s.Owner, s.Bot.PublicID, string(said))
		if err != nil || id.Subject != "7" || id.Name != "Mei 田中" {
			t.Errorf("%s: %+v %v in %s", language, id, err, said)
		}
	}
}

// A bot's face is uploaded, shown, and taken away.
func TestBotGetsAFace(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	path := "/bots/" + s.Bot.PublicID
	r.get(path).want(t, 200, "What customers see beside its answers.", `enctype="multipart/form-data"`)
	picture := image.NewGray(image.Rect(0, 0, 40, 30))
	var file bytes.Buffer
	s.must(png.Encode(&file, picture))
	r.upload(path+"/face", "file", file.String()).want(t, 200, "Face saved.", path+"/face?v=")
	if got := r.get(path + "/face"); got.status != 200 || got.header.Get("Content-Type") != "image/jpeg" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", got.status, got.header)
	}
	r.upload(path+"/face", "file", "<svg onload=alert(1)>").want(t, 422, "This is no PNG, JPEG or GIF", "!onload")
	r.post(path+"/face/remove").want(t, 200, "Face saved.", "!/face?v=")
	if got := r.get(path + "/face"); got.status != 404 {
		t.Errorf("it is still there: %d", got.status)
	}
	viewer := s.signIn(access.Viewer)
	viewer.upload(path+"/face", "file", file.String()).want(t, 403)
}
