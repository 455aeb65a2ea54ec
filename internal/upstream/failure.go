package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"latchkey/internal/access"
)

// Failure is a fault of a provider, with all that the gateway needs to know.
type Failure struct {
	Kind access.Kind // Upstream, Limited or Invalid
	Code string
	Text string // may be shown to the caller
	Args []any

	Status         int           // what our client shall see
	ProviderStatus int           // what the provider sent, 0 when it sent none
	RetryAfter     time.Duration // with 429, up to a minute
	Said           Fault         // the provider's error object, cleaned

	Retry               bool // another provider may be tried
	Started             bool // text may have been delivered: settle at what was
	PauseProvider       bool // our key is bad: no call will do better until the owner acts
	CountsAgainstHealth bool // the breaker counts it

	Cause error // for the log, never shown
}

func (f *Failure) Error() string {
	if f.Cause != nil {
		return f.Text + ": " + f.Cause.Error()
	}
	return f.Text
}

// Unwrap gives the failure as the house's error.
func (f *Failure) Unwrap() error {
	return &access.Error{Kind: f.Kind, Code: f.Code, Text: f.Text, Args: f.Args, Wait: f.RetryAfter, Cause: f.Cause}
}

// rule is one row of the table of faults.
type rule struct {
	status               int
	retry, health, pause bool
	text                 string
}

// rules is the table of faults: what the client sees, whether another provider
// may be tried, whether the breaker counts it, whether the provider is paused.
var rules = map[string]rule{
	// Nothing was reached.
	"provider_unreachable":     {502, true, true, false, "The model provider could not be reached."},
	"provider_unknown_host":    {502, true, true, false, "The model provider's host name could not be found."},
	"provider_connect_timeout": {502, true, true, false, "The model provider did not accept a connection in time."},
	"provider_tls":             {502, true, true, false, "No secure connection to the model provider could be made: its certificate or its TLS is not in order."},
	"provider_not_allowed":     {502, true, false, false, "The model provider's address is private and not listed as a private host."},
	"provider_metadata":        {502, true, false, false, "The model provider's address is a cloud's metadata service, which is never allowed."},
	"provider_address":         {502, true, false, false, "The model provider's address may not be used as it stands."},
	"provider_demo_off":        {502, true, false, false, "The built-in demo model is switched off."},
	"provider_key_malformed":   {502, false, false, true, "The model provider's key holds characters that no header can carry."},

	// Before the first byte.
	"provider_first_byte":      {504, true, true, false, "The model provider did not begin to answer within %d s."},
	"provider_limited":         {429, true, false, false, "The model provider is limiting requests. Try again in %d s."},
	"provider_failed":          {502, true, true, false, "The model provider failed with status %d."},
	"provider_broke":           {502, true, true, false, "The model provider closed the connection before it answered."},
	"provider_unpaid":          {502, true, true, false, "The model provider asks for payment before it answers."},
	"provider_key_refused":     {502, false, false, true, "The model provider refused Latchkey's key (status %d)."},
	"provider_rejected":        {0, false, false, false, "The model provider refused the request: %s"},
	"provider_rejected_mutely": {0, false, false, false, "The model provider refused the request and gave no reason."},
	"provider_no_path":         {404, false, false, false, "The model provider has no such path or model: its base URL usually ends in /v1."},
	"provider_redirects":       {502, true, true, false, "The model provider redirects elsewhere, which is not followed."},
	"provider_odd_status":      {502, false, true, false, "The model provider answered with status %d, which means nothing here."},
	"provider_headers":         {502, false, true, false, "The model provider sent headers without end, or ones that cannot be read."},
	"provider_compressed":      {502, false, true, false, "The model provider compressed its answer, which was not asked for."},

	// In the body.
	"provider_html":       {502, true, true, false, "The model provider answered with a web page: its base URL is probably wrong."},
	"provider_not_json":   {502, false, true, false, "The model provider's answer is not JSON."},
	"provider_not_stream": {502, false, false, false, "The model provider answered whole although a stream was asked for."},
	"provider_too_large":  {502, false, true, false, "The model provider's answer is larger than %d MiB."},
	"provider_reset":      {502, false, true, false, "The connection to the model provider broke in the middle of the answer."},
	"provider_silent":     {504, false, true, false, "The model provider fell silent for %d s in the middle of the answer."},
	"provider_overlong":   {504, false, false, false, "The model provider's answer took longer than %d s."},
	"provider_malformed":  {502, false, true, false, "The model provider sent more than %d events that are not JSON."},
	"provider_long_line":  {502, false, true, false, "The model provider sent a line of more than %d MiB."},
	"provider_unfinished": {502, false, true, false, "The model provider's answer stopped before its end."},
	"provider_faulty":     {502, false, true, false, "The model provider's answer could not be read."},
}

// fail makes the failure of a row.
func fail(code string, cause error, args ...any) *Failure {
	r := rules[code]
	f := &Failure{
		Kind: access.Upstream, Code: code, Text: r.text, Args: args, Status: r.status, Cause: cause,
		Retry: r.retry, CountsAgainstHealth: r.health, PauseProvider: r.pause,
	}
	if len(args) > 0 {
		f.Text = fmt.Sprintf(r.text, args...)
	}
	return f
}

// The reasons for which a call is cut off by ourselves.
var (
	errFirstByte = errors.New("no first byte in time")
	errSilent    = errors.New("no byte in time")
	errOverlong  = errors.New("total time is up")
	errDrained   = errors.New("the rest is not wanted")

	// ErrClosed ends an answer that was closed by its reader.
	ErrClosed = errors.New("upstream: the answer was closed")
)

// broken names what ended a call: our own clock, its caller, or the network.
// otherwise is the code for a network fault that is none of the known ones.
func (c *Client) broken(ctx context.Context, err error, otherwise string) error {
	if ctx.Err() != nil {
		switch cause := context.Cause(ctx); cause {
		case errFirstByte:
			return fail("provider_first_byte", cause, seconds(c.settings.FirstByte))
		case errSilent:
			return fail("provider_silent", cause, seconds(c.settings.Silence))
		case errOverlong:
			return fail("provider_overlong", cause, seconds(c.settings.Total))
		default:
			return cause // the caller's own
		}
	}
	return fail(networkCode(err, otherwise), err)
}

// seconds rounds up: no limit is shown as 0 s.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func networkCode(err error, otherwise string) string {
	var (
		dns      *net.DNSError
		op       *net.OpError
		timeout  net.Error
		cert     *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch text := err.Error(); {
	case errors.Is(err, errMetadata):
		return "provider_metadata"
	case errors.Is(err, errPrivate):
		return "provider_not_allowed"
	case errors.As(err, &dns):
		return "provider_unknown_host"
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &unknown),
		errors.As(err, &hostname), errors.As(err, &invalid), strings.Contains(text, "tls: "),
		strings.Contains(text, "TLS handshake"), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "provider_tls"
	case errors.Is(err, errHeaders), errors.Is(err, errInterim), strings.Contains(text, "response headers exceeded"), strings.Contains(text, "header list larger"),
		strings.Contains(text, "connection error: PROTOCOL_ERROR"): // HTTP/2's word for both
		return "provider_headers" // net/http has no error value for these
	case errors.As(err, &op) && op.Op == "dial":
		if errors.As(err, &timeout) && timeout.Timeout() {
			return "provider_connect_timeout"
		}
		return "provider_unreachable"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "provider_unreachable"
	}
	return otherwise
}

const (
	maxRetryAfter   = time.Minute
	plainRetryAfter = 5 * time.Second // where a limit names no time
)

// refused makes the failure of an answer whose status, or whose error object,
// says no.
func (c *Client) refused(status int, header http.Header, said Fault, key string) *Failure {
	f := c.statusFailure(status, header, said, key)
	f.ProviderStatus = status
	f.Said = Fault{
		Message: clean(said.Message, key), Type: cleanCode(said.Type, key),
		Code: cleanCode(said.Code, key), Param: cleanCode(said.Param, key), Status: said.Status,
	}
	if f.Said.Message != "" {
		f.Cause = errors.New(f.Said.Message)
	}
	return f
}

func (c *Client) statusFailure(status int, header http.Header, said Fault, key string) *Failure {
	switch {
	case status == http.StatusTooManyRequests:
		wait := c.retryAfter(header)
		f := fail("provider_limited", nil, seconds(wait))
		f.Kind, f.RetryAfter = access.Limited, wait
		return f
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fail("provider_key_refused", nil, status)
	case status == http.StatusPaymentRequired:
		return fail("provider_unpaid", nil)
	case status == http.StatusNotFound && said.Message == "":
		f := fail("provider_no_path", nil)
		f.Kind = access.Invalid
		return f
	case status == http.StatusBadRequest, status == http.StatusNotFound,
		status == http.StatusUnprocessableEntity, status == http.StatusRequestEntityTooLarge:
		f := fail("provider_rejected_mutely", nil)
		if words := clean(said.Message, key); words != "" {
			f = fail("provider_rejected", nil, words)
		}
		f.Kind, f.Status = access.Invalid, status
		return f
	case status >= 500, status == http.StatusRequestTimeout:
		return fail("provider_failed", nil, status)
	case status >= 300 && status < 400:
		return fail("provider_redirects", nil)
	default:
		return fail("provider_odd_status", nil, status)
	}
}

// retryAfter reads how long a limit lasts: seconds, milliseconds or a date.
func (c *Client) retryAfter(h http.Header) time.Duration {
	wait := plainRetryAfter
	value := strings.TrimSpace(h.Get("Retry-After"))
	if ms, err := strconv.ParseInt(strings.TrimSpace(h.Get("Retry-After-Ms")), 10, 32); err == nil && ms >= 0 {
		wait = time.Duration(ms) * time.Millisecond
	} else if s, err := strconv.ParseFloat(value, 64); err == nil && s >= 0 {
		wait = time.Duration(min(s, maxRetryAfter.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(c.settings.Now())
	}
	return min(max(wait, 0), maxRetryAfter)
}

// status is the HTTP status that an error object in a good answer stands for.
func (f Fault) status() int {
	if f.Status != 0 {
		return f.Status
	}
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 400 && n <= 599 {
		return n
	}
	for _, word := range []string{f.Code, f.Type} {
		switch strings.ToLower(word) {
		case "rate_limit_error", "rate_limit_exceeded", "insufficient_quota", "requests", "tokens", "too_many_requests":
			return http.StatusTooManyRequests
		case "invalid_api_key", "authentication_error", "invalid_authentication":
			return http.StatusUnauthorized
		case "permission_error", "permission_denied":
			return http.StatusForbidden
		case "model_not_found", "not_found_error", "not_found":
			return http.StatusNotFound
		case "invalid_request_error", "context_length_exceeded", "content_filter", "invalid_prompt", "bad_request", "badrequesterror":
			return http.StatusBadRequest
		}
	}
	return http.StatusBadGateway
}
