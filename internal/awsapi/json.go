package awsapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"fob/internal/creds"
)

// JSON is a call to a service that speaks JSON: Identity Center, the console sign-in,
// Parameter Store, Secrets Manager. It is made without the SDK's packages for them,
// because their tables cost up to 1.5 MB of work whenever fob starts.
type JSON struct {
	Service string // as signatures name it
	Action  string // for messages; the path tells the service
	Method  string
	Path    string
	Query   url.Values
	Header  map[string]string
	// Proof makes more headers, again for each try: what proves that the caller has a
	// key is about one URL and one moment, by AWS's clock. Optional.
	Proof func(method, url string, now time.Time) (map[string]string, error)
	// Target names the operation to services that have one path for all; optional.
	Target string
	Body   any // nil for none
	// Secrets are those in Query and Body, to keep them out of messages. The headers
	// are kept out without being named.
	Secrets []string
	// Again: the call does no harm if AWS carries it out twice.
	Again bool
	// MaxAnswer is how many bytes an answer may have; 0 for 1 MiB.
	MaxAnswer int64
}

// JSON does a call at the client's endpoint, which must have a URL, and decodes the
// document into answer; nil if there is none worth reading. It is signed unless the
// session is zero. After an AnswerError, or an UnreachableError with Sent, nobody
// knows whether AWS carried out the call.
func (c *Client) JSON(ctx context.Context, with creds.Session, call JSON, answer any) error {
	ctx, end := c.begin(ctx)
	defer end()
	r := &request{action: call.Action, with: with, secrets: call.Secrets, json: true, maxAnswer: call.MaxAnswer}
	for _, value := range call.Header {
		r.secrets = append(r.secrets, value)
	}
	var body []byte
	if call.Body != nil {
		var err error
		if body, err = json.Marshal(call.Body); err != nil {
			return err
		}
	}
	return c.try(ctx, r, attempt{
		service: call.Service, again: call.Again, proves: call.Proof != nil,
		build: func(ctx context.Context, now time.Time) (*http.Request, error) {
			req, err := c.jsonRequest(ctx, call, body)
			if err != nil || call.Proof == nil {
				return req, err
			}
			more, err := call.Proof(req.Method, req.URL.String(), now)
			for name, value := range more {
				req.Header.Set(name, value)
				r.secrets = append(r.secrets, value)
			}
			return req, err
		},
		body: body,
		read: func(res *http.Response, text []byte) error { return r.readJSON(res, text, answer) },
	})
}

func (c *Client) jsonRequest(ctx context.Context, call JSON, body []byte) (*http.Request, error) {
	to := strings.TrimSuffix(c.endpoint.URL, "/") + cmp.Or(call.Path, "/")
	if len(call.Query) > 0 {
		to += "?" + call.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	switch {
	case call.Target != "":
		req.Header.Set("X-Amz-Target", call.Target)
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range call.Header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// readJSON reads an answer. A network's sign-in page would pass for one that nobody
// reads; for the others the document counts and not what it is said to be, as in the SDKs
// (moto says text/html of some).
func (r *request) readJSON(res *http.Response, text []byte, answer any) error {
	switch {
	case res.StatusCode >= 400:
		return r.readJSONRefusal(res, text)
	case res.StatusCode >= 300 || answer == nil && strings.Contains(r.contentType, "html"):
		return errors.New("not an answer")
	case answer == nil:
		return nil
	}
	return json.Unmarshal(text, answer)
}

// readJSONRefusal reads an error document in one of the forms of AWS's services.
func (r *request) readJSONRefusal(res *http.Response, text []byte) error {
	var doc struct {
		Type        string `json:"__type"`
		Code        any    // a string, or a number that says nothing new
		Error       any    // of OAuth
		Description string `json:"error_description"`
		Message     string
		Reason      string
	}
	err := json.Unmarshal(text, &doc)
	header := res.Header.Get("X-Amzn-Errortype")
	if err != nil && header == "" && res.Header.Get("X-Amzn-Requestid") == "" {
		return err // a proxy's, or a web page
	}
	code, _ := doc.Code.(string)
	oauth, _ := doc.Error.(string)
	r.reason = cmp.Or(doc.Reason, oauth)
	code = cmp.Or(bareCode(header), bareCode(doc.Type), bareCode(code), ofOAuth(oauth), ofStatus(res.StatusCode))
	return &smithy.GenericAPIError{Code: code, Message: cmp.Or(doc.Message, doc.Description)}
}

// bareCode is a code without the namespace before it and the address after it:
// aws.protocoltests#FooError:http://...
func bareCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	return strings.TrimSpace(code[strings.LastIndexByte(code, '#')+1:])
}

// ofOAuth is AWS's code for one of OAuth's (slow_down is SlowDownException), as in the
// documents that have both; "" for "". What has capitals is AWS's own already.
func ofOAuth(code string) string {
	if code == "" || strings.ToLower(code) != code {
		return code
	}
	return camel(strings.Split(code, "_"))
}

// ofStatus is the code of a refusal that has none: ForbiddenException.
func ofStatus(status int) string {
	return camel(strings.Fields(strings.ToLower(cmp.Or(http.StatusText(status), "unknown"))))
}

// camel is the name of an exception.
func camel(words []string) string {
	var b strings.Builder
	for _, word := range words {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String() + "Exception"
}
