package botshare

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/internal/access"
)

// Ends as clients spell them, and what the original makes of them.
func TestParseMoment(t *testing.T) {
	for text, want := range map[string]string{
		"2026-12-31T23:59:59Z":             "2026-12-31T23:59:59+00:00",
		"2026-12-31T23:59:59+08:00":        "2026-12-31T15:59:59+00:00",
		"2026-12-31T23:59:59-03:30":        "2027-01-01T03:29:59+00:00",
		"2026-12-31T23:59:59.5Z":           "2026-12-31T23:59:59.500000+00:00",
		"2026-12-31T23:59:59,1234567Z":     "2026-12-31T23:59:59.123456+00:00",
		"2026-12-31T23:59":                 "2026-12-31T23:59:00+00:00",
		"2026-12-31 23":                    "2026-12-31T23:00:00+00:00",
		"2026-12-31":                       "2026-12-31T00:00:00+00:00",
		"20261231":                         "2026-12-31T00:00:00+00:00",
		"20261231T235959.25+0800":          "2026-12-31T15:59:59.250000+00:00",
		"2026-12-31T23:59:59+08:00:30.5":   "2026-12-31T15:59:28.500000+00:00",
		"2026-W53":                         "2026-12-28T00:00:00+00:00",
		"2026-W53-5T10:00":                 "2027-01-01T10:00:00+00:00",
		"2026W535":                         "2027-01-01T00:00:00+00:00",
		"2024-02-29":                       "2024-02-29T00:00:00+00:00",
		"2026-12-31日10:00":                 "2026-12-31T10:00:00+00:00",
		"9999-12-31T23:59:59.999999+00:00": "9999-12-31T23:59:59.999999+00:00",
		"0001-01-01T00:00:00.001Z":         "0001-01-01T00:00:00.001000+00:00",

		"": "", "tomorrow": "", "never": "", "1735689600": "", "-1": "", "2026": "", "2026-12": "", "2026-1-1": "", "12/31/2026": "",
		"2023-02-29": "", "2026-13-01": "", "2026-00-01": "", "2026-01-00": "", "0000-01-01": "", "2026-12-31T24:00": "", "2026-12-31T23:60": "",
		"2026-12-31T23:59:60": "", "2026-12-31T23:59:59.": "", "2026-12-31T": "", "2026-12-31T23:59:59+24:00": "", "2026-12-31T23:59:59+8": "",
		"2026-12-31T23:59:59 +08:00": "", "2026-12-31T23:59:59z": "", " 2026-12-31": "", "2026-1231": "", "202612-31": "", "2026-W54": "", "2026-W00": "",
		"2025-W53": "", "2026-W01-8": "", "2026-W01-0": "", "2026-12-31T2359:59": "", "2026-12-31T23:5959": "", "Thu, 31 Dec 2026 23:59:59 GMT": "",
		"２０２６-12-31": "", "2026-12-31\x00": "", "0001-01-01": "", "0001-01-01T00:00:00+01:00": "", "9999-12-31T23:59:59-01:00": "", "2026-12-31\xff10:00": "",
	} {
		at, ok := parseMoment(text)
		if got := moment(at); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s %v, want %q", text, got, ok, want)
		}
	}
}

// Whatever an end is spelled like, it is a moment that every door can spell, reads
// back as itself, or is refused.
func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"2026-12-31T23:59:59Z", "2026-W53-5T10:00,5-03:30", "20261231T2359", "0001-01-01T00:00:00.000001", "9999-12-31T23:59:59-23:59"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := parseMoment(text)
		if !ok {
			return
		}
		if at.IsZero() || at.Year() < 1 || at.Year() > 9999 || at.Location() != time.UTC {
			t.Fatalf("%q is %s", text, at)
		}
		again, ok := parseMoment(moment(at))
		if !ok || !again.Equal(at) {
			t.Fatalf("%q is %s, which reads back as %s", text, moment(at), again)
		}
	})
}

// Whatever a body holds, reading it ends in fields or in a list of what is wrong,
// which is spelled as JSON and says where.
func FuzzReadBodies(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","expires_at":"2026-12-31"}`, `{"username":"a","password":"b","email":null}`, `{"password":1}`, `null`, ``, `[1]`, `{"a":1,"A":2}`, "\xff",
		`{"messages":[{"role":"user","content":"hi"},{"role":"user","content":[{"type":"text"}]}],"bot_id":"x","stream":true,"share_token":"s"}`,
		`{"messages":[{"role":null,"content":{}}],"bot_id":7}`, `{"messages":{}}`, `{"messages":[[]],"stream":null}`, `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := readObject(raw)
		if err != nil {
			checkMalformed(t, err)
			return
		}
		if _, err := readShare(&reader{o: o}); err != nil {
			checkMalformed(t, err)
		}
		if _, err := readCustomer(&reader{o: o}); err != nil {
			checkMalformed(t, err)
		}
		if _, err := readSignIn(&reader{o: o}); err != nil {
			checkMalformed(t, err)
		}
		b, err := readChat(&reader{o: o})
		if err != nil {
			checkMalformed(t, err)
			return
		}
		q, err := b.question()
		if err != nil {
			t.Fatal(err)
		}
		if len(q.Members) != 2 || !json.Valid(q.Encode()) || q.Get("messages")[0] != '[' {
			t.Fatalf("the question is %s", q.Encode())
		}
		if b.bot != "" && (len(b.bot) != idDigits || publicID(uuid(b.bot)) != b.bot) {
			t.Fatalf("the bot is %q", b.bot)
		}
	})
}

func checkMalformed(t *testing.T, err error) {
	t.Helper()
	list, ok := errors.AsType[malformed](err)
	if !ok || len(list) == 0 {
		t.Fatalf("refused by %v", err)
	}
	text, err := json.Marshal(detail{list})
	if err != nil || !utf8.Valid(text) {
		t.Fatalf("%q: %v", text, err)
	}
	for _, p := range list {
		if p.Type == "" || p.Msg == "" || len(p.Loc) == 0 || p.Loc[0] != "body" || !json.Valid(p.Input) || len(p.Input) > inputMax {
			t.Fatalf("%+v", p)
		}
	}
}

func TestPublicID(t *testing.T) {
	id := "0123456789abcdef0123456789abcdef"
	for text, want := range map[string]string{
		id: id, uuid(id): id, strings.ToUpper(uuid(id)): id, strings.ToUpper(id): id,
		"": "", "0": "", id + "0": "", id[:31]: "", "{" + id + "}": "", uuid(id)[1:] + "-": "", strings.Replace(uuid(id), "-", "0", 1): "",
		"g" + id[1:]: "", "01234567-89ab-cdef-0123-456789abcde%": "", "０" + id[3:]: "",
	} {
		if got := publicID(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOwns(t *testing.T) {
	for path, owned := range map[string]bool{
		"/api/v1/bots": true, "/api/v1/bots/": true, "/api/v1/bots/x/y": true, "/api/v1/botsx": false, "/api/v1/bot-share-tokens/1": true,
		"/api/v1/end-users": true, "/api/v1/public/x": true, "/api/v3/chat/completions": true, "/api/v3/chat/completions/": true, "/api/v3/chat": false,
		"/api/v1/auth/login": true, "/api/v1/auth/login/": true, "/api/v1/auth/logout": true, "/api/v1/auth/verify": true, "/api/v1/auth": false,
		"/api/v1/users": false, "/api/v1/system/tokens": false, "/api/latchkey/v1/bots": false, "/": false,
	} {
		if Owns(path) != owned {
			t.Errorf("%s: %v", path, !owned)
		}
	}
}

// Every kind of refusal has an answer that is none of a fault's.
func TestEveryKindHasAStatus(t *testing.T) {
	d := &Door{}
	for _, kind := range access.Kinds() {
		status, text := d.spellError("en", "id", access.Fail(kind, "some_code", "Some text."))
		if status < 400 || status == 500 || text != "Some text." || status == 401 && kind != access.SignedOut {
			t.Errorf("%s: %d %s", kind, status, text)
		}
	}
	for code, r := range words {
		if _, text := d.spellError("zh", "id", access.Fail(access.Invalid, code, "Some text.")); text != r.message {
			t.Errorf("%s: %s", code, text)
		}
	}
}
