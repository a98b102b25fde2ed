package ststest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The services whose calls are named by a header, and speak JSON in both directions:
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html

const (
	targetHeader = "X-Amz-Target"
	targetMedia  = "application/x-amz-json-1.1"
)

var (
	ssmAPI     = service{name: "ssm"}
	secretsAPI = service{name: "secretsmanager"}
)

// A target is a call's place in the table of all that are named by a header.
type target struct {
	service service
	name    string
	run     func(*targetCall) (any, error)
}

// targets is the table of all calls that are named by a header.
var targets = []target{
	{ssmAPI, "AmazonSSM.GetParameters", (*targetCall).getParameters},
	{secretsAPI, "secretsmanager.GetSecretValue", (*targetCall).getSecretValue},
	{secretsAPI, "secretsmanager.BatchGetSecretValue", (*targetCall).batchGetSecretValue},
}

// A targetCall is what such a call works on; the server is locked.
type targetCall struct {
	*Server
	body   []byte
	now    time.Time
	caller caller
	region string // signed for
}

func (s *Server) target(r *http.Request, body []byte) (incoming, bool) {
	name := r.Header.Get(targetHeader)
	if name == "" {
		return incoming{}, false
	}
	in := incoming{params: targetParams(body)}
	_, in.action, _ = strings.Cut(name, ".")
	in.perform = func(time.Duration) answer {
		result, err := s.performTarget(r, body, name)
		if e := (*refusal)(nil); errors.As(err, &e) {
			return targetError(e)
		}
		a := document(http.StatusOK, "OK", result)
		a.media = targetMedia
		return a
	}
	return in, true
}

func (s *Server) performTarget(r *http.Request, body []byte, name string) (any, error) {
	i := slices.IndexFunc(targets, func(t target) bool { return t.name == name })
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if i < 0 || r.Method != http.MethodPost || r.URL.Path != "/" || media != targetMedia {
		return nil, badRequest("UnknownOperationException", "")
	}
	t := targets[i]
	if service, region, ok := awsHost(r.Host); ok {
		sig, err := readSignature(r.Header)
		if service != t.service.name || err == nil && sig.region != region {
			return nil, badRequest("UnknownOperationException", "")
		}
	}
	q := &targetCall{Server: s, body: body, now: s.now()}
	var err error
	if q.caller, err = s.authenticate(r, body, t.service, q.now); err != nil {
		return nil, err
	}
	sig, _ := readSignature(r.Header)
	for _, name := range []string{"X-Amz-Target", "X-Amz-Security-Token"} {
		if r.Header.Get(name) != "" && !slices.Contains(sig.signedHeaders, strings.ToLower(name)) {
			return nil, mismatch("'" + strings.ToLower(name) + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	q.region = sig.region
	return t.run(q)
}

// decode reads the call's document; a field of the wrong type is an error.
func (q *targetCall) decode(v any) error {
	if json.Unmarshal(q.body, v) != nil {
		return badRequest("SerializationException", "")
	}
	return nil
}

// denied is the refusal if policies deny the caller an action on a resource, of which
// tests know the name.
func (q *targetCall) denied(service, action, arn, name string) error {
	if !q.world.denies(action, name, q.caller) {
		return nil
	}
	on := ""
	if arn != "" {
		on = " on resource: " + arn
	}
	return denied("User: %s is not authorized to perform: %s:%s%s because no identity-based policy allows the %[2]s:%[3]s action",
		q.caller.arn, service, action, on)
}

// jsonCodes are the names that these services have for errors of the query protocol.
var jsonCodes = map[string]string{
	"MissingAuthenticationToken": "MissingAuthenticationTokenException",
	"IncompleteSignature":        "IncompleteSignatureException",
	"SignatureDoesNotMatch":      "InvalidSignatureException",
	"InvalidClientTokenId":       "UnrecognizedClientException",
	"RegionDisabledException":    "UnrecognizedClientException",
	"ExpiredToken":               "ExpiredTokenException",
	"Throttling":                 "ThrottlingException",
	"AccessDenied":               "AccessDeniedException",
}

// targetError says an error as these services do: one of their own with a capital, and one
// of the frame around them with a namespace.
func targetError(e *refusal) answer {
	status, code := e.status, e.code
	if name, ok := jsonCodes[code]; ok {
		status, code = http.StatusBadRequest, name
	}
	switch code {
	case "AccessDeniedException":
		return document(status, code, map[string]string{"__type": code, "Message": e.message})
	case "ThrottlingException", e.code:
		return document(status, code, map[string]string{"__type": code, "message": e.message})
	}
	return document(status, code, map[string]string{"__type": "com.amazon.coral.service#" + code, "message": e.message})
}

// targetParams are the call's fields: none is a secret.
func targetParams(body []byte) map[string]string {
	var fields map[string]any
	json.Unmarshal(body, &fields) // none if it is not an object
	params := make(map[string]string)
	for name, value := range fields {
		if list, ok := value.([]any); ok {
			params[name] = strings.TrimSuffix(fmt.Sprintln(list...), "\n")
		} else {
			params[name] = fmt.Sprint(value)
		}
	}
	return params
}

// names checks a list of names.
func (v *validation) names(parameter string, list []string, most int) {
	if len(list) == 0 {
		v.fail("'[]'", parameter, "Member must have length greater than or equal to 1")
	}
	v.atMost(parameter, len(list), most)
	for i, name := range list {
		if n := utf8.RuneCountInString(name); n == 0 || n > maxName {
			v.fail("'"+name+"'", parameter, fmt.Sprintf("Member must satisfy constraint: [Member must have length less than or equal to %d, "+
				"Member must have length greater than or equal to 1]", maxName))
		}
		if slices.Contains(list[:i], name) { // what AWS does with it is not documented
			v.fail("'"+name+"'", parameter, "Member must be unique")
		}
	}
}

// maxName is how long a name or an ARN may be.
const maxName = 2048

// validationException is a validation's error under the name that these services have for it.
func (v *validation) validationException() error {
	if err := v.err(); err != nil {
		return badRequest("ValidationException", err.(*refusal).message)
	}
	return nil
}
