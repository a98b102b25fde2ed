package awsapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

// A refusal of any service has a code of one line, and repeats no secret, whatever is in
// the document and its header.
func FuzzJSONRefusal(f *testing.F) {
	f.Add([]byte(`{"__type":"a#FooException:http://x","message":"m","reason":"r"}`), "", 400)
	f.Add([]byte(`{"error":"slow_down","error_description":"d","code":7}`), "X:", 400)
	f.Add([]byte(`{"error":{"Code":[]},"Code":{"a":1}}`), "#", 599)
	f.Add([]byte(`<Error><Code>a</Code></Error>`), "", 404)
	f.Fuzz(func(t *testing.T, text []byte, header string, status int) {
		res := &http.Response{StatusCode: status, Header: http.Header{"X-Amzn-Errortype": {header}}}
		r := &request{secrets: []string{"s3cret-s3cret"}}
		err := r.readJSONRefusal(res, text)
		if err == nil {
			t.Fatal("no error")
		}
		code, message := foreignRefusal(text)
		words := []string{code, message}
		if api, ok := err.(smithy.APIError); ok {
			if api.ErrorCode() == "" {
				t.Error("no code")
			}
			words = append(words, api.ErrorCode(), api.ErrorMessage(), r.reason)
		}
		for _, w := range words {
			if got := r.words(w); strings.Contains(got, "s3cret-s3cret") || strings.ContainsAny(got, "\r\n") || len(got) > maxWords+3 {
				t.Errorf("%q", got)
			}
		}
	})
}
