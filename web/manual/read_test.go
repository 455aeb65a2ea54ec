package manual

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Day  string  `json:"day,omitempty"`
	Name *string `json:"name"`
}

type sample struct {
	*inner
	ID      int64            `json:"id"`
	Models  []string         `json:"models" manual:"null" note:"Names."`
	Checks  []inner          `json:"checks"`
	Sums    map[string]int64 `json:"sums"`
	Detail  json.RawMessage  `json:"detail"`
	private int
}

// A struct's schema says what its encoding does: fields that may be absent, null or
// anything.
func TestSchemaOfAStruct(t *testing.T) {
	r := Reader{Notes: map[string]string{"id": "Row number.", "models": "Any."}}
	s := r.Of(sample{private: 1})
	got, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"additionalProperties":false,"properties":{"checks":{"items":{"additionalProperties":false,"properties":{"day":{"type":"string"},` +
		`"name":{"type":["string","null"]}},"required":["name"],"type":"object"},"type":"array"},"day":{"type":"string"},"detail":{},` +
		`"id":{"description":"Row number.","type":"integer"},"models":{"description":"Names.","items":{"type":"string"},"type":["array","null"]},` +
		`"name":{"type":["string","null"]},"sums":{"additionalProperties":{"type":"integer"},"type":"object"}},` +
		`"required":["id","models","checks","sums","detail"],"type":"object"}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
	rows := []Row{
		{"checks", "array of object", "", true},
		{"checks[].day", "string", "", false},
		{"checks[].name", "string | null", "", true},
		{"day", "string", "", false},
		{"detail", "any", "", true},
		{"id", "integer", "Row number.", true},
		{"models", "array | null", "Names.", true},
		{"name", "string | null", "", false},
		{"sums", "object", "", true},
	}
	if d := cmp.Diff(rows, s.Rows()); d != "" {
		t.Error(d)
	}
	if got := Object().Rows(); got != nil {
		t.Errorf("an object without fields has %v", got)
	}
	either := Either(Object(F("data", Either(s, Null()))), Object(F("message", String())))
	if got := either.Rows(); len(got) != 10 || got[1].Name != "data.checks" || got[0].Kind != "object | null" {
		t.Errorf("%v", got)
	}
}

func TestCurl(t *testing.T) {
	o := Operation{
		Method: "POST", Path: "/api/v1/bots/{id}/share-tokens", By: []Credential{Login}, Body: String(), Example: `{"name":"Partners"}`,
		Query: []Parameter{Needed(Text("q", ""))},
	}
	want := "curl -X POST https://bots.acme.example/api/v1/bots/ID/share-tokens?q=… \\\n  -H 'Authorization: Bearer …' \\\n" +
		"  -H 'Content-Type: application/json' \\\n  -d '{\"name\":\"Partners\"}'"
	if got := o.Curl("https://bots.acme.example"); got != want {
		t.Errorf("%s", got)
	}
	if id := o.ID(); id != "post-api-v1-bots-id-share-tokens" {
		t.Error(id)
	}
}

// Two doors' words for one address become one operation that is either.
func TestSharedAddress(t *testing.T) {
	one := func(title, field string) Door {
		return Door{Title: title, Failure: Object(F(field+"_refused", String())), Operations: []Operation{
			{Method: "POST", Path: "/in", Text: title + ".", Body: Object(F(field, String())), Answer: Object(F(field+"_answer", String()))},
		}}
	}
	text, err := Manual{one("A", "a"), one("B", "b")}.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Tags        []string
			Summary     string
			RequestBody struct {
				Content map[string]struct{ Schema struct{ AnyOf []any } }
			}
			Responses map[string]struct {
				Content map[string]struct{ Schema struct{ AnyOf []any } }
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	in := doc.Paths["/in"]["post"]
	if len(in.Tags) != 2 || in.Summary != "A. Or: B." || len(in.RequestBody.Content["application/json"].Schema.AnyOf) != 2 ||
		len(in.Responses["200"].Content["application/json"].Schema.AnyOf) != 2 || len(in.Responses["default"].Content["application/json"].Schema.AnyOf) != 2 {
		t.Errorf("%s", text)
	}
}
