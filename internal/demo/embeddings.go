package demo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
)

const (
	plainDimensions = 256
	maxDimensions   = 2048
	maxInputs       = 2048
)

// inputs reads a text, a list of texts, a list of token numbers or a list of
// such lists.
func inputs(raw json.RawMessage) ([]string, bool) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, one != ""
	}
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many, len(many) > 0
	}
	var numbers []int
	if json.Unmarshal(raw, &numbers) == nil {
		return []string{spell(numbers)}, len(numbers) > 0
	}
	var lists [][]int
	if json.Unmarshal(raw, &lists) != nil {
		return nil, false
	}
	many = nil // a list that failed to be one of texts has left blanks here
	for _, l := range lists {
		many = append(many, spell(l))
	}
	return many, len(many) > 0
}

func spell(numbers []int) string { return strings.Trim(fmt.Sprint(numbers), "[]") }

func (m *model) embed(w http.ResponseWriter, r *http.Request) {
	var a struct {
		Model      string          `json:"model"`
		Input      json.RawMessage `json:"input"`
		Format     string          `json:"encoding_format"`
		Dimensions *int            `json:"dimensions"`
	}
	if !read(w, r, &a, &a.Model, Embedding) {
		return
	}
	texts, ok := inputs(a.Input)
	if !ok || len(texts) > maxInputs {
		refuse(w, http.StatusBadRequest, "invalid_value", "input", "The input must be a text, or a list of 1 to 2048 texts.")
		return
	}
	dimensions := plainDimensions
	if a.Dimensions != nil {
		dimensions = *a.Dimensions
	}
	if dimensions < 1 || dimensions > maxDimensions {
		refuse(w, http.StatusBadRequest, "invalid_value", "dimensions", fmt.Sprintf("dimensions must be from 1 to %d; it was %d.", maxDimensions, dimensions))
		return
	}
	tokens := 0
	list := make([]object, len(texts))
	for i, t := range texts {
		tokens += count(t)
		list[i] = object{"object": "embedding", "index": i, "embedding": encode(vector(t, dimensions), a.Format)}
	}
	send(w, http.StatusOK, object{
		"object": "list", "data": list, "model": Embedding,
		"usage": object{"prompt_tokens": tokens, "total_tokens": tokens},
	})
}

// vector places a text by its words: each adds one step in a direction of its
// own, so that texts with common words lie near each other. Length 1.
func vector(text string, dimensions int) []float32 {
	v := make([]float64, dimensions)
	for _, word := range pieces(strings.ToLower(text)) {
		sum := sha256.Sum256([]byte(strings.TrimSpace(word)))
		for i := 0; i < len(sum); i += 4 {
			n := binary.BigEndian.Uint32(sum[i:])
			v[int(n>>1)%dimensions] += 1 - 2*float64(n&1)
		}
	}
	length := 0.0
	for _, x := range v {
		length += x * x
	}
	if length == 0 {
		v[0], length = 1, 1
	}
	out := make([]float32, dimensions)
	for i, x := range v {
		out[i] = float32(x / math.Sqrt(length))
	}
	return out
}

func encode(v []float32, format string) any {
	if format != "base64" {
		return v
	}
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}
