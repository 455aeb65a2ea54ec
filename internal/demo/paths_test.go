package demo

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestModels(t *testing.T) {
	_, _, body := call(t, "GET", "/v1/models", "")
	list := decode[struct{ Data []struct{ ID string } }](t, body).Data
	if len(list) != 2 || list[0].ID != Model || list[1].ID != Embedding {
		t.Error(body)
	}
	if status, _, body := call(t, "GET", "/v1/models/demo", ""); status != 200 || !strings.Contains(body, `"id":"demo"`) {
		t.Error(body)
	}
}

func TestEmbeddings(t *testing.T) {
	type list struct {
		Data []struct {
			Embedding json.RawMessage
			Index     int
		}
		Usage struct {
			Prompt int `json:"prompt_tokens"`
		}
	}
	embed := func(more string) (vectors [][]float32, tokens int) {
		_, _, body := call(t, "POST", "/v1/embeddings", `{"model":"demo-embedding",`+more+`}`)
		l := decode[list](t, body)
		for i, d := range l.Data {
			if d.Index != i {
				t.Error(body)
			}
			vectors = append(vectors, decode[[]float32](t, string(d.Embedding)))
		}
		return vectors, l.Usage.Prompt
	}
	dot := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	v, tokens := embed(`"input":["the invoice address","an invoice address","dogs bark loudly",""]`)
	if len(v) != 4 || len(v[0]) != 256 || tokens != 9 {
		t.Fatalf("%d vectors, %d tokens", len(v), tokens)
	}
	for _, one := range v {
		if l := dot(one, one); math.Abs(l-1) > 1e-3 {
			t.Errorf("length %f", l)
		}
	}
	if dot(v[0], v[1]) <= dot(v[0], v[2]) {
		t.Error("texts with common words are not nearer")
	}
	again, _ := embed(`"input":"the invoice address"`)
	if !slices.Equal(again[0], v[0]) {
		t.Error("the same text, another vector")
	}
	if small, _ := embed(`"input":[1,2],"dimensions":8`); len(small) != 1 || len(small[0]) != 8 {
		t.Error(small)
	}
	if lists, _ := embed(`"input":[[1,2],[3]]`); len(lists) != 2 {
		t.Error(lists)
	}
	_, _, body := call(t, "POST", "/v1/embeddings", `{"model":"demo-embedding","input":"the invoice address","encoding_format":"base64"}`)
	packed := decode[string](t, string(decode[list](t, body).Data[0].Embedding))
	if raw, err := base64.StdEncoding.DecodeString(packed); err != nil || len(raw) != 4*256 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

func TestResponses(t *testing.T) {
	type response struct {
		Status string
		Output []struct{ Content []struct{ Text string } }
		Usage  struct {
			In  int `json:"input_tokens"`
			Out int `json:"output_tokens"`
		}
	}
	for _, input := range []string{`"Is it raining?"`, `[{"role":"user","content":"Is it raining?"}]`, `[{"role":"user","content":[{"type":"input_text","text":"Is it raining?"}]}]`} {
		_, _, body := call(t, "POST", "/v1/responses", `{"model":"demo","instructions":"Be kind","input":`+input+`}`)
		want := decode[response](t, body)
		if want.Status != "completed" || want.Usage.In != 5 || want.Usage.Out < 10 || !strings.Contains(body, "Is it raining?") {
			t.Errorf("%s: %s", input, body)
		}
		_, _, stream := call(t, "POST", "/v1/responses", `{"model":"demo","stream":true,"instructions":"Be kind","input":`+input+`}`)
		text, last := "", ""
		for line := range strings.Lines(stream) {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				e := decode[struct{ Type, Delta string }](t, data)
				text += e.Delta
				last = data
			}
		}
		end := decode[struct {
			Type     string
			Response response
		}](t, last)
		if end.Type != "response.completed" || end.Response.Usage != want.Usage || text != want.Output[0].Content[0].Text {
			t.Errorf("%s: %s", input, stream)
		}
	}
	_, _, body := call(t, "POST", "/v1/responses", `{"model":"demo","input":"hi","max_output_tokens":3}`)
	if short := decode[response](t, body); short.Status != "incomplete" || short.Usage.Out != 3 {
		t.Error(body)
	}
}
