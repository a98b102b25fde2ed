package awsapi

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"fob/internal/plan"
)

// maxWords is far above any message of STS, except those that repeat the request.
const maxWords = 1 << 10

// RefusedError says that AWS refused the call. Code and Message are AWS's own, on
// one line; clean them before they reach a terminal.
type RefusedError struct {
	Action  string // GetSessionToken
	KeyID   string // who asked
	Role    string // the role asked for, if any
	Code    string
	Message string
	// Skew is how far this computer's clock is ahead of AWS's; 0 if under 5 minutes.
	Skew time.Duration
	// Server is who refused, if that is not AWS.
	Server string
	// Status is the answer's HTTP status, for a document that is not in AWS's form;
	// HTTPStatus is that of every answer.
	Status, HTTPStatus int
	// Reason says more than Code where a service tells more: TOKEN_EXPIRED of the
	// console sign-in, KMS_AccessDeniedException, or OAuth's own code. It is for
	// comparing.
	Reason string
	// Unsupported: the server, which is not AWS, does not know the action.
	Unsupported bool
	// Resent: an earlier try may have been carried out, but its answer was lost. It
	// has then used up the MFA code.
	Resent bool
}

func (e *RefusedError) Error() string {
	what := cmp.Or(e.Server, "AWS") + " refused " + e.Action
	if e.Role != "" {
		what += " for " + e.Role
	}
	what += ": " + e.Code
	if e.Status != 0 {
		what += fmt.Sprintf(" (HTTP status %d)", e.Status)
	}
	if message := cmp.Or(e.Message, e.Reason); message != "" {
		what += ": " + message
	}
	if e.Resent && e.BadCode() {
		what += " (" + LostAnswer + ")"
	}
	return what
}

// LostAnswer is why AWS refused a code that was right.
const LostAnswer = "the first answer was lost, and AWS takes each code once"

// BadCode reports whether AWS refused the MFA code rather than the device. There
// is no error code for that.
func (e *RefusedError) BadCode() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "invalid MFA one time pass code")
}

// BadKey reports whether AWS does not know the access key, or knows another secret for
// it.
func (e *RefusedError) BadKey() bool {
	return e.Code == "InvalidClientTokenId" || e.Code == "SignatureDoesNotMatch"
}

// UnknownDevice reports whether AWS does not know the MFA device, or does not know
// it yet.
func (e *RefusedError) UnknownDevice() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "unable to validate MFA code")
}

// UnreachableError says that AWS did not answer, or only to try later.
type UnreachableError struct {
	Host    string
	Problem string
	// Sent: a request was sent, and AWS may have carried it out.
	Sent bool
	// Code is AWS's, if it answered that it is too busy.
	Code string
	// Unknown: the host has no address.
	Unknown bool
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("could not reach AWS at %s: %s", e.Host, e.Problem)
}

// UnsentError is why a call failed of which no byte left this computer: AWS has not
// seen its MFA code.
type UnsentError struct{ Err error }

func (e *UnsentError) Error() string { return e.Err.Error() }
func (e *UnsentError) Unwrap() error { return e.Err }

// AnswerError says that the answer is not from AWS, or makes no sense.
type AnswerError struct {
	Action, Host, Problem string
	// Unsupported: the server, which is not AWS, may not know the action.
	Unsupported bool
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("unexpected response to %s from %s: %s", e.Action, e.Host, e.Problem)
}

// Ahead says how far a clock is off, for a person.
func Ahead(skew time.Duration) string {
	// Dates have seconds and take time to arrive: 19m59.6s are 20 minutes.
	d := skew.Abs().Round(time.Second)
	if d > time.Minute {
		d = skew.Abs().Round(time.Minute)
	}
	if skew < 0 {
		return plan.Duration(d) + " behind AWS's"
	}
	return plan.Duration(d) + " ahead of AWS's"
}

// oneLine puts a message on one line. It does not clean it for a terminal.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// outcome is how a call ended, for the log.
func outcome(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "no answer"
}

// explain turns the SDK's errors into this package's.
func (c *Client) explain(ctx context.Context, r *request, err error) error {
	err = c.translate(ctx, r, err)
	if !r.connected {
		err = &UnsentError{err}
	}
	return err
}

func (c *Client) translate(ctx context.Context, r *request, err error) error {
	var api smithy.APIError
	// The SDK invents the code UnknownError where the answer has none.
	named := errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError"
	cause := context.Cause(ctx)
	// A proxy on the way to AWS has error documents, too; only another server's are a
	// refusal.
	r.foreign = !c.endpoint.IsAWS()
	if !named && r.foreign && cause == nil && !r.broken && (r.status >= 400 && r.status < 500 || r.status == http.StatusNotImplemented) {
		if code, message := foreignRefusal(r.refusal); code != "" {
			return c.refused(r, code, message, r.status)
		}
	}
	switch {
	case named && r.status == http.StatusNotImplemented && r.foreign:
		return c.refused(r, api.ErrorCode(), api.ErrorMessage(), 0)
	case named && (r.status >= 500 || r.status == http.StatusTooManyRequests || isThrottle(api.ErrorCode())):
		code := r.words(api.ErrorCode())
		return r.unreachable("AWS answered "+code, code)
	case named && r.status >= 400:
		return c.refused(r, api.ErrorCode(), api.ErrorMessage(), 0)
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded):
		return cause
	case cause != nil || r.status == 0 || r.broken:
		unreachable := r.unreachable(reason(ctx, err), "")
		var dns *net.DNSError
		unreachable.Unknown = errors.As(err, &dns) && dns.IsNotFound
		return unreachable
	case r.status >= 500 || r.status == http.StatusTooManyRequests:
		return r.unreachable(fmt.Sprintf("the server answered HTTP status %d", r.status), "")
	case r.status >= 300 && r.status < 400:
		return r.notAWS("a redirect, which AWS never sends (does this network have a sign-in page?)")
	case strings.Contains(r.contentType, "html"):
		return r.notAWS("a web page (does this network have a sign-in page?)")
	}
	return r.notAWS("not an AWS response")
}

// refused is what the server refused. status is that of a document that is not in
// AWS's form.
func (c *Client) refused(r *request, code, message string, status int) *RefusedError {
	e := &RefusedError{Action: r.action, Role: r.role, KeyID: r.with.ID, Code: r.words(code), Message: r.words(message),
		Status: status, HTTPStatus: r.status, Reason: r.words(r.reason), Skew: c.Skew(), Resent: r.lost}
	if !r.foreign {
		return e
	}
	if status != 0 || !IsLoopback(r.host) {
		e.Server = r.host
	}
	if r.json {
		return e // what these services do not find is what the call is about
	}
	e.Unsupported = unsupported(r.status) || slices.Contains(unknownAction, e.Code) || strings.Contains(strings.ToLower(e.Message), "unsupported action")
	return e
}

// unknownAction are the codes of other servers for an action that they do not know
// (Ceph, SeaweedFS, MinIO). AWS's own is InvalidAction.
var unknownAction = []string{"InvalidAction", "MethodNotAllowed", "NotImplemented", "UnsupportedOperation"}

func unsupported(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// IsLoopback reports whether a host, with or without a port, is this computer: one that
// stands in for AWS.
func IsLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// foreignRefusal reads the error documents of servers that are not AWS: S3's
// <Error><Code>, without the <ErrorResponse> of STS, and JSON in its usual forms.
// code is "" for anything else.
func foreignRefusal(text []byte) (code, message string) {
	type xmlError struct{ Code, Message string }
	var x struct {
		xmlError
		Error xmlError
	}
	if xml.Unmarshal(text, &x) == nil {
		return cmp.Or(x.Code, x.Error.Code), cmp.Or(x.Message, x.Error.Message)
	}
	type jsonError struct {
		Code        any
		Type        string `json:"__type"`
		Message     string
		Description string `json:"error_description"`
	}
	var j struct {
		jsonError
		Error json.RawMessage
	}
	if json.Unmarshal(text, &j) != nil {
		return "", ""
	}
	var inner jsonError
	var word string
	if json.Unmarshal(j.Error, &inner) != nil {
		_ = json.Unmarshal(j.Error, &word) // else there is none
	}
	for _, e := range []jsonError{j.jsonError, inner} {
		if e.Code != nil {
			code = cmp.Or(code, fmt.Sprint(e.Code))
		}
		code, message = cmp.Or(code, e.Type), cmp.Or(message, e.Message, e.Description)
	}
	return cmp.Or(code, word), message
}

func isThrottle(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok
}

// reason is the innermost cause that means something to a person.
func reason(ctx context.Context, err error) string {
	var (
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		timeout net.Error
		op      *net.OpError
		web     *url.Error
	)
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy (HTTPS_PROXY): " + reason(ctx, op.Err)
	case errors.As(err, &dns):
		return fmt.Sprintf("cannot resolve %s", dns.Name)
	case errors.As(err, &unknown):
		return "this computer does not trust the server's certificate (behind a proxy? set AWS_CA_BUNDLE to the proxy's CA certificate)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // or not yet valid
		return "the server's certificate has expired or is not valid yet (is the clock right?)"
	case errors.As(err, &host), errors.As(err, &invalid):
		return "the server's certificate is not valid for this host"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete"
	case errors.As(err, &op):
		return oneLine(op.Err.Error())
	case errors.As(err, &web):
		return oneLine(web.Err.Error())
	}
	return "no usable answer"
}
