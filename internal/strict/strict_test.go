package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/access"
)

func TestParse(t *testing.T) {
	deep := strings.Repeat(`{"a":`, MaxDepth) + "1" + strings.Repeat("}", MaxDepth)
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":%d`, i, i)
	}
	for _, c := range []struct{ name, in, out, code string }{
		{"empty", "{}", "{}", ""},
		{"white space goes", " { \"a\" : [ 1 , true , null ] } \n", `{"a":[1,true,null]}`, ""},
		{"escaped keys are spelled plainly", `{"\u006dodel":"x\u0041"}`, `{"model":"x\u0041"}`, ""},
		{"as deep as allowed", deep, deep, ""},
		{"many keys", "{" + strings.Join(many, ",") + "}", "{" + strings.Join(many, ",") + "}", ""},
		{"numbers keep their spelling", `{"a":-0.50e+3}`, `{"a":-0.50e+3}`, ""},
		{"duplicate", `{"a":1,"a":2}`, "", "json_duplicate"},
		{"duplicate by escape", `{"a":1,"\u0061":2}`, "", "json_duplicate"},
		{"duplicate by case", `{"model":1,"Model":2}`, "", "json_duplicate"},
		{"duplicate by the Kelvin sign", "{\"max_tokens\":1,\"max_to\u212aens\":2}", "", "json_duplicate"},
		{"duplicate below", `{"a":[{"b":1,"B":2}]}`, "", "json_duplicate"},
		{"duplicate among many", "{" + strings.Join(many, ",") + `,"K59":1}`, "", "json_duplicate"},
		{"trailing", `{} {}`, "", "json_trailing"},
		{"too deep", `{"a":` + deep + "}", "", "json_depth"},
		{"not an object", `[1]`, "", "json_object"},
		{"nothing", ``, "", "json_object"},
		{"cut", `{"a":`, "", "json_end"},
		{"leading zero", `{"a":01}`, "", "json_syntax"},
		{"bare point", `{"a":1.}`, "", "json_syntax"},
		{"control in text", "{\"a\":\"\x01\"}", "", "json_syntax"},
		{"bad escape", `{"a":"\x"}`, "", "json_syntax"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "", "json_utf8"},
		{"comment", `{"a":1}//`, "", "json_trailing"},
	} {
		o, err := Parse([]byte(c.in))
		if c.code != "" {
			p := access.Problems(err)
			if len(p) != 1 || p[0].Code != c.code || p[0].Kind != access.Invalid {
				t.Errorf("%s: %v, want %s", c.name, err, c.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := string(o.Encode()); got != c.out {
			t.Errorf("%s: %s, want %s", c.name, got, c.out)
		}
	}
}

func TestMisspelled(t *testing.T) {
	o, err := Parse([]byte(`{"Model":"x","stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Misspelled("model", "stream"); got != "Model" {
		t.Errorf("Misspelled = %q", got)
	}
}

// What is accepted means the same to the standard library, and stays the same
// when it is read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, `{"a":{"b":[1,2,"x"]},"c":null}`, `{"\u0061":"\ud800"}`, `{"a":1,"A":2}`, `{"a":-1e999}`,
		`{"a":["]\\",[",]"],{"b":[]}," \\\\", 1 ],"b":[ ],"c":{},"d":"€"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Parse(data)
		if err != nil {
			return
		}
		out := o.Encode()
		theirs, err := spelled(data)
		if err != nil || !json.Valid(data) {
			t.Fatalf("accepted %q, which is not JSON: %v", data, err)
		}
		if ours, err := spelled(out); err != nil || ours != theirs {
			t.Fatalf("%q became %q (%v)", data, out, err)
		}
		again, err := Parse(out)
		if err != nil || string(again.Encode()) != string(out) {
			t.Fatalf("%q does not read back: %v", out, err)
		}
		for _, m := range o.Members {
			checkValue(t, m.Value)
		}
	})
}

// checkValue: Elements and Text read what the standard library reads.
func checkValue(t *testing.T, raw json.RawMessage) {
	var list []json.RawMessage
	isList := json.Unmarshal(raw, &list) == nil && string(raw) != "null"
	if got, ok := Elements(raw); ok != isList || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", list) {
		t.Fatalf("the elements of %q are %q, %t", raw, got, ok)
	}
	var got, want string
	isText := json.Unmarshal(raw, &want) == nil
	if ok := Text(raw, &got); ok != isText || got != want {
		t.Fatalf("%q reads %q, %t", raw, got, ok)
	}
}

// spelled is what the standard library reads; numbers as they stand, which may be
// too large for any type.
func spelled(data []byte) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(&v)
	return fmt.Sprint(v), err
}
