package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/internal/testbed"
	"latchkey/web/wire"
)

// world is a house with the native door on it, and one caller of each sort.
type world struct {
	*testing.T
	*testbed.House
	door    *Door
	app     *fiber.App
	callers map[string]caller
	foreign access.Actor // owner of another workspace

	mu      sync.Mutex
	visited map[string]bool // routes that answered well
}

// caller is a credential as it is sent.
type caller struct{ bearer, workspace string }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, House: testbed.New(t), callers: map[string]caller{}, visited: map[string]bool{}}
	w.Control.MasterKey = testbed.MasterKey
	w.door = &Door{
		Control: w.Control, Gateway: w.Gateway, Origin: func(*fiber.Ctx) string { return "https://bots.acme.example" },
		Now: w.Now, Log: w.Log, Language: lang.English,
	}
	w.app = fiber.New(fiber.Config{
		Immutable: true, CaseSensitive: true, StrictRouting: true, BodyLimit: wire.AskMax + 1, ErrorHandler: w.onError,
	})
	w.app.Use(func(c *fiber.Ctx) error {
		c.Set("X-Request-Id", "request-1")
		err := c.Next()
		if err == nil && c.Response().StatusCode() < 300 {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.visited[c.Method()+" "+strings.TrimPrefix(c.Route().Path, Base)] = true
		}
		return err
	}, wire.FindAddress(nil))
	w.door.Mount(w.app)
	w.people()
	return w
}

// onError does what the server does: it gives the framework's errors a kind.
func (w *world) onError(c *fiber.Ctx, err error) error {
	if e, ok := errors.AsType[*fiber.Error](err); ok {
		kind, code := access.NotFound, "page_unknown"
		if e.Code == fiber.StatusMethodNotAllowed {
			kind, code = access.Invalid, "method"
		}
		err = access.Fail(kind, code, "%s", e.Message)
	}
	return w.door.Error(c, err)
}

// people makes one caller of each sort. Their passwords are never hashed: login
// tokens are written as a sign-in writes them.
func (w *world) people() {
	w.Helper()
	ctx := w.Context()
	w.callers["none"] = caller{}
	w.callers["owner"] = w.login(w.User)
	w.callers["master"] = caller{testbed.MasterKey, w.Workspace.PublicID}
	w.callers["master without workspace"] = caller{bearer: testbed.MasterKey}
	for _, role := range []access.Role{access.Owner, access.Editor, access.Viewer} {
		u, err := w.DB.MakeMember(ctx, w.Owner, w.Workspace.ID, testbed.UserNamed("plain "+string(role)), role)
		w.must(err)
		as := w.login(u)
		as.workspace = w.Workspace.PublicID
		w.callers["plain "+string(role)] = as
	}
	for _, p := range []string{"chat", "read", "manage", "admin"} {
		k := w.Token(w.T, control.TokenForm{Name: &p, Permissions: &[]string{p}})
		w.callers["token "+p] = caller{bearer: k.Secret}
	}
	w.callers["customer"] = caller{bearer: w.LoginCustomer(w.T, w.MakeCustomer(w.T, "maria", w.Workspace.ID), access.DoorRAGFlow)}

	u, other, err := w.DB.MakeUser(ctx, w.Owner, db.NewUser{User: testbed.UserNamed("northwind"), Workspace: "Northwind"})
	w.must(err)
	w.callers["foreigner"] = w.login(u)
	w.foreign = access.Actor{Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username, WorkspaceID: other.ID, Role: access.Owner}
}

func (w *world) login(u access.User) caller {
	w.Helper()
	return caller{bearer: w.Login(w.T, u, access.DoorRAGFlow)}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// answer is what a call got.
type answer struct {
	t       *testing.T
	call    string
	status  int
	text    string
	headers map[string][]string
}

// call sends a request as one of the callers. A body is JSON text; headers come in
// pairs.
func (w *world) call(who, method, path, body string, headers ...string) answer {
	w.Helper()
	as, known := w.callers[who]
	if !known {
		w.Fatalf("there is no caller %q", who)
	}
	r := httptest.NewRequestWithContext(context.Background(), method, Base+path, bytes.NewBufferString(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if as.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+as.bearer)
	}
	if as.workspace != "" {
		r.Header.Set("X-Latchkey-Workspace", as.workspace)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.app.Test(r, -1)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return answer{w.T, who + " " + method + " " + path, resp.StatusCode, string(text), resp.Header}
}

// must is a call as the owner that has to answer with a status.
func (w *world) owner(status int, method, path, body string) answer {
	w.Helper()
	a := w.call("owner", method, path, body)
	a.is(status)
	return a
}

func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %s", a.call, a.status, status, a.text)
	}
	return a
}

// refused checks status and code of a refusal.
func (a answer) refused(status int, code string) answer {
	a.t.Helper()
	a.is(status)
	if got := a.at("error", "code"); got != code {
		a.t.Fatalf("%s: code %v, want %s: %s", a.call, got, code, a.text)
	}
	if a.at("error", "request_id") != "request-1" {
		a.t.Errorf("%s: no request id: %s", a.call, a.text)
	}
	return a
}

// at finds a value of the answer: keys of objects, numbers of list entries.
func (a answer) at(path ...any) any {
	a.t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(a.text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.call, err, a.text)
	}
	for _, step := range path {
		switch s := step.(type) {
		case string:
			o, ok := v.(map[string]any)
			if !ok {
				a.t.Fatalf("%s: no %v in %s", a.call, path, a.text)
			}
			if v, ok = o[s]; !ok {
				a.t.Fatalf("%s: no %v in %s", a.call, path, a.text)
			}
		case int:
			l, ok := v.([]any)
			if !ok || s >= len(l) {
				a.t.Fatalf("%s: no %v in %s", a.call, path, a.text)
			}
			v = l[s]
		}
	}
	return v
}

func (a answer) id() string { return a.at("id").(string) }

// has checks values of the answer, keys and values in pairs. A number is checked
// by its digits.
func (a answer) has(pairs ...any) answer {
	a.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		key := pairs[i].(string)
		var steps []any
		for part := range strings.SplitSeq(key, ".") {
			steps = append(steps, part)
		}
		got, err := json.Marshal(a.at(steps...))
		if err != nil {
			a.t.Fatal(err)
		}
		want, err := json.Marshal(pairs[i+1])
		if err != nil {
			a.t.Fatal(err)
		}
		if string(got) != string(want) {
			a.t.Errorf("%s: %s is %s, want %s", a.call, key, got, want)
		}
	}
	return a
}

// items is how many rows a list has.
func (a answer) items() int { return len(a.at("items").([]any)) }
