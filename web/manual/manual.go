// Package manual is the reference of the doors: each says what its addresses take
// and answer, and this room makes one OpenAPI 3.1 document of it.
//
// It promises that the document names no setting, no name and no address of the
// instance, and that a schema is read from the very struct that the door decodes
// or encodes, so that the two cannot drift. It knows no door and serves nothing;
// web/ops does.
//
// Start with Door and Operation; schema.go is how a struct becomes a schema,
// openapi.go the document.
package manual

import (
	"net/http"
	"slices"
	"strings"
)

// Door is a dialect: what all its operations have in common.
type Door struct {
	Name       string // in addresses of the manual
	Title      string
	About      string
	Failure    Schema // how it refuses
	FailureIs  string // "": application/json
	Operations []Operation
}

// Credential is a way to say who calls.
type Credential string

// The credentials of the doors.
const (
	Login  Credential = "login"  // login token
	Token  Credential = "token"  // API token
	Header Credential = "header" // API token in x-api-key
	Beta   Credential = "beta"   // beta key
	Master Credential = "master" // the operator's master key
	Access Credential = "access" // New API's user access token
	Cookie Credential = "cookie" // of New API's sign-in
	Metric Credential = "metric" // of the operator's metrics
)

// Operation is one address and method.
type Operation struct {
	Method, Path string // parameters in braces
	Text         string // one sentence
	By           []Credential
	Open         bool // also without a credential
	Query        []Parameter
	Headers      []Parameter
	Body         Schema // nil: none
	BodyKind     string // "": application/json
	Optional     bool   // the body may be left out
	Status       int    // 0: 200
	Answer       Schema // nil: an empty one
	AnswerKind   string // "": application/json
	Also         []int  // other statuses with the same answer
	Events       Schema // what an event holds, where the answer may also run as events
	Sets         []Parameter
	Example      string // a body to try
}

// Parameter is a value beside the body.
type Parameter struct {
	Name, Text string
	Schema     Schema
	Required   bool
}

// Manual is all doors.
type Manual []Door

// Door returns a door by its name.
func (m Manual) Door(name string) (Door, bool) {
	i := slices.IndexFunc(m, func(d Door) bool { return d.Name == name })
	if i < 0 {
		return Door{}, false
	}
	return m[i], true
}

// Parameters lists the parameters in the path.
func (o Operation) Parameters() (all []string) {
	for part := range strings.SplitSeq(o.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			all = append(all, strings.TrimSuffix(name, "}"))
		}
	}
	return all
}

// ID names the operation within the document.
func (o Operation) ID() string {
	var b strings.Builder
	b.WriteString(strings.ToLower(o.Method))
	for part := range strings.FieldsFuncSeq(o.Path, func(r rune) bool { return strings.ContainsRune("/{}.", r) }) {
		b.WriteString("-" + part)
	}
	return b.String()
}

// Code is the status of a success.
func (o Operation) Code() int {
	if o.Status == 0 {
		return http.StatusOK
	}
	return o.Status
}

// Text is a parameter that holds text.
func Text(name, about string) Parameter { return Parameter{Name: name, Text: about, Schema: String()} }

// Number is a parameter that holds a whole number.
func Number(name, about string) Parameter {
	return Parameter{Name: name, Text: about, Schema: Integer()}
}

// Needed is a parameter that has to be there.
func Needed(p Parameter) Parameter {
	p.Required = true
	return p
}
