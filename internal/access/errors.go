package access

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the closed list of ways a request can fail for a reason that the
// caller may know. A Kind is itself an error, so errors.Is(err, access.NotFound)
// works on anything that wraps an *Error of that kind. An error without a Kind
// is a fault: it is logged under a short random id and its text is never shown.
type Kind uint8

const (
	Invalid   Kind = iota + 1 // what was sent cannot be accepted as it stands
	SignedOut                 // no credential, or one that opens nothing
	Forbidden                 // known, and not allowed
	NotFound                  // missing, or another's
	Conflict                  // the row has moved on, or the name is taken
	Spent                     // a quota or an allowance is used up
	Revoked                   // switched off for good
	Expired                   // past its time
	Limited                   // too many, too fast: Wait says when
	Busy                      // the server cannot do it now: Wait says when
	Upstream                  // the provider failed
)

var kindNames = [...]string{
	"fault", "invalid", "signed_out", "forbidden", "not_found", "conflict", "spent",
	"revoked", "expired", "limited", "busy", "upstream",
}

// Error makes a Kind an error of its own, the target of errors.Is.
func (k Kind) Error() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// Kinds lists every kind, for tables that must be exhaustive.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kindNames)-1)
	for k := Invalid; k <= Upstream; k++ {
		all = append(all, k)
	}
	return all
}

// Error is a failure that may be shown. Text is an English sentence that names
// the rule, the value and what to do next; Code is its stable name, which is
// also the catalogue key "error.<Code>" of its translation, spelled with Args.
// Cause is for the log and is never shown.
type Error struct {
	Kind  Kind
	Code  string
	Text  string
	Args  []any
	Field string        // the form field or JSON key at fault, or ""
	Wait  time.Duration // how long until another try can succeed, or 0
	Cause error
}

// Fail makes an error of a kind. text is a fmt format spelled with args.
func Fail(kind Kind, code, text string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Text: fmt.Sprintf(text, args...), Args: args}
}

// At names the form field or JSON key at fault.
func (e *Error) At(field string) *Error { e.Field = field; return e }

// After says how long to wait before another try.
func (e *Error) After(wait time.Duration) *Error { e.Wait = wait; return e }

// Because keeps what went wrong underneath, for the log.
func (e *Error) Because(cause error) *Error { e.Cause = cause; return e }

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Text + ": " + e.Cause.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of the first *Error in err, or 0 for a fault.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

// Problems lists every *Error that err joins, in order, so that a form can show
// each at its own field.
func Problems(err error) []*Error {
	switch e := err.(type) {
	case nil:
		return nil
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, one := range e.Unwrap() {
			all = append(all, Problems(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		return Problems(e.Unwrap())
	}
	return nil
}
