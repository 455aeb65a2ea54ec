package whole

import (
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/testbed"
)

// reading is a site and its document, with what was called.
type reading struct {
	*store
	doc    *openapi3.T
	called map[string]bool
}

func read(t *testing.T) *reading {
	t.Helper()
	s := newStore(t)
	a := s.Do("GET", "/openapi.json", "").Is(200)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(a.Text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Fatalf("the document is of OpenAPI %s", doc.OpenAPI)
	}
	for _, secret := range []string{s.Workspace.PublicID, s.Workspace.Name, s.Base, s.Bot.PublicID} {
		if strings.Contains(a.Text, secret) {
			t.Errorf("the document holds %s of the instance", secret)
		}
	}
	return &reading{s, doc, map[string]bool{}}
}

// media is how an answer must look: the schema of its status and kind.
func (r *reading) media(a Answer, op *openapi3.Operation) *openapi3.MediaType {
	r.Helper()
	said := op.Responses.Value(strconv.Itoa(a.Status))
	if said == nil {
		said = op.Responses.Default()
	}
	if said == nil {
		r.Errorf("%s: the document knows no answer %d", a.Call, a.Status)
		return nil
	}
	if len(said.Value.Content) == 0 && a.Text == "" {
		return nil
	}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	m := said.Value.Content[kind]
	if m == nil {
		r.Errorf("%s: the document knows no %d answer of %q: %s", a.Call, a.Status, kind, a.Text)
	}
	return m
}

// fits checks an answer against its schema.
func (r *reading) fits(a Answer, op *openapi3.Operation) {
	r.Helper()
	m := r.media(a, op)
	if m == nil {
		return
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/") {
		return // text is text; what events hold is told beside it
	}
	if err := m.Schema.Value.VisitJSON(a.JSON(), openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
		r.Errorf("%s: %d is not what the document says: %v\n%s", a.Call, a.Status, err, a.Text)
	}
}

// call calls an operation, which has to succeed in the words of the document.
// Parameters of the path come in their order. So has to be the refusal of the same
// call by somebody whom nobody knows.
func (r *reading) call(by, operation, query, body string, path ...string) Answer {
	r.Helper()
	method, pattern, _ := strings.Cut(operation, " ")
	item := r.doc.Paths.Value(pattern)
	if item == nil || item.GetOperation(method) == nil {
		r.Fatalf("the document has no %s", operation)
	}
	op := item.GetOperation(method)
	r.called[operation] = true
	address := pattern
	for _, value := range path {
		before, rest, _ := strings.Cut(address, "{")
		_, after, _ := strings.Cut(rest, "}")
		address = before + value + after
	}
	kind := ""
	if op.RequestBody != nil && op.RequestBody.Value.Content["text/csv"] != nil {
		kind = "text/csv"
	}
	a := r.Do(method, address+query, body, "Content-Type", kind, "Authorization", by, "X-Latchkey-Workspace", map[bool]string{true: r.Workspace.PublicID}[by == "Bearer "+testbed.MasterKey])
	if a.Status >= 300 || strings.Contains(a.Text, `"success":false`) || strings.Contains(a.Text, `{"code":1`) {
		r.Errorf("%s: %d %s", a.Call, a.Status, a.Text)
	}
	r.sends(op, body, a.Call)
	r.fits(a, op)
	if b := r.Do(method, address+query, body, "Authorization", "Bearer nobody"); b.Status >= 300 || strings.Contains(b.Text, "false") {
		r.fits(b, op)
	}
	return a
}

// sends checks that the document knows the body that a working call sends.
func (r *reading) sends(op *openapi3.Operation, body, call string) {
	r.Helper()
	if body == "" || op.RequestBody == nil {
		return
	}
	m := op.RequestBody.Value.Content["application/json"]
	if m == nil {
		return
	}
	if err := m.Schema.Value.VisitJSON(Answer{tb: r.TB, Text: body}.JSON(), openapi3.EnableJSONSchema2020()); err != nil {
		r.Errorf("%s works with a body that the document does not know: %v\n%s", call, err, body)
	}
}

// Every operation of the document is called on the real app and answers as the
// document says; whom nobody knows, too.
func TestEveryOperationAnswersAsTheManualSays(t *testing.T) {
	r := read(t)
	r.StopClock() // a revocation is undone in seconds
	r.Faulty.Say("Hello.")
	r.Control.Registration, r.Control.RegistrationFixed = "open", true
	r.callGateway()
	r.callNative()
	r.callNewAPI()
	r.callFess()
	r.callBotShare()
	r.callRAGFlow()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		r.call("", "GET "+path, "", "")
	}
	for pattern, item := range r.doc.Paths.Map() {
		for method := range item.Operations() {
			if !r.called[method+" "+pattern] {
				t.Errorf("nobody calls %s %s", method, pattern)
			}
		}
	}
}
