package ststest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"fob/internal/creds"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// targetSaid is an answer of a service whose calls are named by a header.
type targetSaid struct {
	status int
	object
}

// failed is the error in the answer, or empty.
func (a targetSaid) failed() string {
	if a.status == http.StatusOK {
		return ""
	}
	message := a.object["message"]
	if message == nil {
		message = a.object["Message"]
	}
	return fmt.Sprint(a.object["__type"], ": ", message)
}

// sendTarget signs a call by hand: fob has no SDK of these services.
func sendTarget(t *testing.T, s *Server, c creds.Session, region, name string, body any, change func(*http.Request)) targetSaid {
	t.Helper()
	text := must(json.Marshal(body))
	r := must(http.NewRequest("POST", s.URL+"/", strings.NewReader(string(text))))
	r.Header.Set("Content-Type", targetMedia)
	r.Header.Set(targetHeader, name)
	service := "ssm"
	if strings.HasPrefix(name, "secretsmanager.") {
		service = "secretsmanager"
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), sdkCredentials(c), r, hexHash(text), service, region, s.Now()); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	res := must(http.DefaultClient.Do(r))
	defer res.Body.Close()
	a := targetSaid{status: res.StatusCode}
	if err := json.Unmarshal(must(io.ReadAll(res.Body)), &a.object); err != nil {
		t.Fatal(err)
	}
	return a
}

func parameters(t *testing.T, s *Server, c creds.Session, names ...string) targetSaid {
	t.Helper()
	return sendTarget(t, s, c, DemoRegion, "AmazonSSM.GetParameters", object{"Names": names, "WithDecryption": true}, nil)
}

func secretValue(t *testing.T, s *Server, c creds.Session, in object) targetSaid {
	t.Helper()
	return sendTarget(t, s, c, DemoRegion, "secretsmanager.GetSecretValue", in, nil)
}

func secretBatchOf(t *testing.T, s *Server, c creds.Session, in object) targetSaid {
	t.Helper()
	return sendTarget(t, s, c, DemoRegion, "secretsmanager.BatchGetSecretValue", in, nil)
}

// column lists a field of each of a list of objects.
func column(a targetSaid, list, field string) (values []string) {
	members, _ := a.object[list].([]any)
	for _, m := range members {
		if o, ok := m.(object); ok {
			m = o[field]
		}
		values = append(values, fmt.Sprint(m))
	}
	return values
}

func wantColumn(t *testing.T, a targetSaid, list, field string, want ...string) {
	t.Helper()
	if got := column(a, list, field); !reflect.DeepEqual(got, want) {
		t.Errorf("%s.%s: got %q, want %q\n%v", list, field, got, want, a)
	}
}

func wantRefused(t *testing.T, what string, a targetSaid, want string) {
	t.Helper()
	if got := a.failed(); want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("%s: got %d %s, want %s", what, a.status, got, want)
	}
	if want != "" && a.status != http.StatusBadRequest {
		t.Errorf("%s: status %d", what, a.status)
	}
}

// What every such call must be like.
func TestTargetFrame(t *testing.T) {
	s := start(t, Config{})
	plain := must(sessionToken(s, jo, nil))
	for _, tt := range []struct {
		what   string
		c      creds.Session
		name   string
		change func(*http.Request)
		want   string
	}{
		{"a key", jo, "AmazonSSM.GetParameters", nil, ""},
		{"a session", plain, "AmazonSSM.GetParameters", nil, ""},
		{"a wrong secret", creds.Session{Key: creds.Key{ID: jo.ID, Secret: creds.NewSecret("x")}}, "AmazonSSM.GetParameters", nil, "InvalidSignatureException"},
		{"an unknown key", creds.Session{Key: creds.Key{ID: "AKIAX", Secret: creds.NewSecret("x")}}, "AmazonSSM.GetParameters", nil,
			"com.amazon.coral.service#UnrecognizedClientException: The security token included in the request is invalid"},
		{"no such call", jo, "AmazonSSM.GetParameter", nil, "UnknownOperationException"},
		{"another service's signature", jo, "secretsmanager.GetSecretValue", func(r *http.Request) { r.Header.Set(targetHeader, "AmazonSSM.GetParameters") }, "InvalidSignatureException"},
		{"nobody", jo, "AmazonSSM.GetParameters", func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException"},
		{"no token", plain, "AmazonSSM.GetParameters", func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, "InvalidSignatureException"},
		{"another type", jo, "AmazonSSM.GetParameters", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, "UnknownOperationException"},
		{"another service's host", jo, "AmazonSSM.GetParameters", func(r *http.Request) { r.Host = "secretsmanager.eu-west-1.amazonaws.com" }, "UnknownOperationException"},
		{"another region's host", jo, "AmazonSSM.GetParameters", func(r *http.Request) { r.Host = "ssm.us-east-1.amazonaws.com" }, "UnknownOperationException"},
		{"the host, signed for another", jo, "AmazonSSM.GetParameters", func(r *http.Request) { r.Host = "ssm.eu-west-1.amazonaws.com" }, "InvalidSignatureException"},
		{"another path", jo, "AmazonSSM.GetParameters", func(r *http.Request) { r.URL.Path = "/parameters" }, "UnknownOperationException"},
	} {
		wantRefused(t, tt.what, sendTarget(t, s, tt.c, DemoRegion, tt.name, object{"Names": []string{"/x"}}, tt.change), tt.want)
	}
	// A header that is not signed could be anybody's.
	r := must(http.NewRequest("POST", s.URL+"/", strings.NewReader(`{"Names":["/x"]}`)))
	r.Header.Set("Content-Type", targetMedia)
	if err := v4.NewSigner().SignHTTP(t.Context(), sdkCredentials(jo), r, hexHash([]byte(`{"Names":["/x"]}`)), "ssm", DemoRegion, s.Now()); err != nil {
		t.Fatal(err)
	}
	r.Header.Set(targetHeader, "AmazonSSM.GetParameters")
	res := must(http.DefaultClient.Do(r))
	defer res.Body.Close()
	if text := must(io.ReadAll(res.Body)); !strings.Contains(string(text), "must be a 'SignedHeader'") {
		t.Errorf("%s", text)
	}

	s.AgeSessions(48 * 3600e9)
	wantRefused(t, "an old session", parameters(t, s, plain, "/x"), "ExpiredTokenException")
	s.Fail("GetParameters", Throttle(), 1)
	wantRefused(t, "too fast", parameters(t, s, jo, "/x"), "ThrottlingException: Rate exceeded")
	s.Fail("GetParameters", Refuse(500, "InternalServerError", "An error"), 1)
	if a := parameters(t, s, jo, "/x"); a.status != 500 || a.failed() != "InternalServerError: An error" {
		t.Errorf("got %d %s", a.status, a.failed())
	}
	calls := s.Calls()
	if c := calls[len(calls)-1]; c.Action != "GetParameters" || c.Region != DemoRegion || c.Params["Names"] != "/x" {
		t.Errorf("logged %+v", c)
	}
}

func TestGetParameters(t *testing.T) {
	s := start(t, Config{})
	for _, p := range []Parameter{
		{Name: "/app/b", Value: "one", Labels: []string{"live"}},
		{Name: "/app/b", Value: "two"},
		{Name: "/app/a", Type: "StringList", Value: "x,y"},
		{Name: "plain", Value: "by name"},
		{Name: "/app/kms", Type: "SecureString", Value: "s", KeyDisabled: true},
		{Name: "/far", Region: "us-east-1", Value: "away"},
		{Name: "/their", Account: "222222222222", Value: "not ours"},
		{Name: "/shared", Account: "222222222222", Value: "for all", Shared: true},
	} {
		if _, err := s.AddParameter(p); err != nil {
			t.Fatal(err)
		}
	}
	// In the order of the alphabet, with what is missing beside it.
	a := parameters(t, s, jo, "plain", "/app/b:live", "/none", "/app/a", "/app/b", "/app/b:7", "/far", "/plain")
	wantColumn(t, a, "Parameters", "Name", "/app/a", "/app/b", "/app/b", "plain")
	wantColumn(t, a, "Parameters", "Value", "x,y", "one", "two", "by name")
	wantColumn(t, a, "Parameters", "Selector", "<nil>", ":live", "<nil>", "<nil>")
	wantColumn(t, a, "Parameters", "Version", "1", "1", "2", "1")
	wantColumn(t, a, "InvalidParameters", "", "/none", "/app/b:7", "/far", "/plain")

	// By ARN, with a selector and of another account.
	a = parameters(t, s, jo, "arn:aws:ssm:eu-west-1:111111111111:parameter/app/b:1", "arn:aws:ssm:eu-west-1:111111111111:parameter/plain",
		"arn:aws:ssm:eu-west-1:222222222222:parameter/shared")
	wantColumn(t, a, "Parameters", "Value", "one", "for all", "by name")
	wantColumn(t, a, "Parameters", "ARN", "arn:aws:ssm:eu-west-1:111111111111:parameter/app/b",
		"arn:aws:ssm:eu-west-1:222222222222:parameter/shared", "arn:aws:ssm:eu-west-1:111111111111:parameter/plain")
	wantRefused(t, "another account's", parameters(t, s, jo, "arn:aws:ssm:eu-west-1:222222222222:parameter/their"), "AccessDeniedException: User: arn:aws:iam::111111111111:user/jo")

	// A label belongs to one version.
	must(s.AddParameter(Parameter{Name: "/app/b", Value: "three", Labels: []string{"live"}}))
	wantColumn(t, parameters(t, s, jo, "/app/b:live"), "Parameters", "Value", "three")

	encrypted := sendTarget(t, s, jo, DemoRegion, "AmazonSSM.GetParameters", object{"Names": []string{DemoDevParameter}}, nil)
	if values := column(encrypted, "Parameters", "Value"); len(values) != 1 || !strings.HasPrefix(values[0], "AQICAH") {
		t.Errorf("not decrypted: %q", values)
	}
	wantColumn(t, parameters(t, s, jo, DemoDevParameter), "Parameters", "Value", "correct horse battery staple")

	many := make([]string, 11)
	for i := range many {
		many[i] = fmt.Sprintf("/p%d", i)
	}
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, "ValidationException: 1 validation error detected"},
		{many, "length less than or equal to 10"},
		{[]string{"/x", "/x"}, "must be unique"},
		{[]string{"a b"}, "ValidationException: Parameter name"},
		{[]string{"a/b"}, "ValidationException: Parameter name"},
		{[]string{"/x:"}, "ValidationException: Invalid label"},
		{[]string{"/x:3x"}, "ValidationException: Invalid label"},
		{[]string{"arn:aws:s3:::bucket"}, "ValidationException: Invalid parameter ARN"},
		{[]string{"plain", "/app/kms"}, "InvalidKeyId: arn:aws:kms:"},
	} {
		wantRefused(t, fmt.Sprint(tt.names), parameters(t, s, jo, tt.names...), tt.want)
	}
	wantRefused(t, "not names", sendTarget(t, s, jo, DemoRegion, "AmazonSSM.GetParameters", object{"Names": "/x"}, nil), "SerializationException")

	// One that is forbidden is all that is forbidden.
	s.Deny("GetParameters", "/app/a")
	wantRefused(t, "one denied", parameters(t, s, jo, "plain", "/app/a"), "AccessDeniedException: User: "+DemoUser+
		" is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-1:111111111111:parameter/app/a")
	wantColumn(t, parameters(t, s, jo, "plain"), "Parameters", "Value", "by name")
	s.Deny("Decrypt", DemoDevParameter)
	wantRefused(t, "no key", parameters(t, s, jo, DemoDevParameter), "AccessDeniedException: The ciphertext")

	// A secret of the other service, with both permissions.
	const secret = "/aws/reference/secretsmanager/" + DemoDevSecret
	wantColumn(t, parameters(t, s, jo, secret, secret+"x"), "Parameters", "Value", `{"user":"app","token":"dev-token-5f2b"}`)
	wantRefused(t, "encrypted", sendTarget(t, s, jo, DemoRegion, "AmazonSSM.GetParameters", object{"Names": []string{secret}}, nil), "must be True")
	s.Deny("GetSecretValue")
	wantRefused(t, "half a permission", parameters(t, s, jo, secret), "AccessDeniedException")

	for _, bad := range []Parameter{{Name: "a b"}, {Name: ""}, {Name: "/x", Type: "Text"}} {
		if _, err := s.AddParameter(bad); err == nil {
			t.Errorf("%+v was added", bad)
		}
	}
}

func TestGetSecretValue(t *testing.T) {
	s := start(t, Config{})
	add := func(c Secret) (arn, version string) {
		t.Helper()
		arn, version, err := s.AddSecret(c)
		if err != nil {
			t.Fatal(err)
		}
		return arn, version
	}
	arn, first := add(Secret{Name: "app", Text: "one"})
	_, second := add(Secret{Name: "app", Text: "two"})
	_, pending := add(Secret{Name: "app", Text: "three", Stages: []string{"AWSPENDING"}})
	add(Secret{Name: "bytes", Binary: []byte("a\x00b")})
	add(Secret{Name: "gone", Text: "x", Deleted: true})
	add(Secret{Name: "kms", Text: "x", KeyDisabled: true})
	add(Secret{Name: "far", Region: "us-east-1", Text: "x"})
	their, _ := add(Secret{Name: "their", Account: "222222222222", Text: "x"})
	shared, _ := add(Secret{Name: "shared", Account: "222222222222", Text: "for all", Shared: true})

	if want := "arn:aws:secretsmanager:eu-west-1:111111111111:secret:app-"; !strings.HasPrefix(arn, want) || len(arn) != len(want)+6 {
		t.Errorf("an ARN like %s", arn)
	}
	for _, tt := range []struct {
		what    string
		in      object
		text    string
		version string
	}{
		{"by name", object{"SecretId": "app"}, "two", second},
		{"by ARN", object{"SecretId": arn}, "two", second},
		{"by part of the ARN", object{"SecretId": arn[:len(arn)-7]}, "two", second},
		{"current", object{"SecretId": "app", "VersionStage": "AWSCURRENT"}, "two", second},
		{"previous", object{"SecretId": "app", "VersionStage": "AWSPREVIOUS"}, "one", first},
		{"pending", object{"SecretId": "app", "VersionStage": "AWSPENDING"}, "three", pending},
		{"by version", object{"SecretId": "app", "VersionId": first}, "one", first},
		{"both", object{"SecretId": "app", "VersionId": first, "VersionStage": "AWSPREVIOUS"}, "one", first},
		{"another account's", object{"SecretId": shared}, "for all", ""},
	} {
		a := secretValue(t, s, jo, tt.in)
		if a.failed() != "" || a.object["SecretString"] != tt.text || tt.version != "" && a.object["VersionId"] != tt.version {
			t.Errorf("%s: %d %v", tt.what, a.status, a.object)
		}
	}
	if a := secretValue(t, s, jo, object{"SecretId": "bytes"}); a.object["SecretBinary"] != "YQBi" || a.object["SecretString"] != nil {
		t.Errorf("bytes: %v", a.object)
	}
	for _, tt := range []struct {
		in   object
		want string
	}{
		{object{}, "ValidationException"},
		{object{"SecretId": ""}, "ValidationException"},
		{object{"SecretId": "a b"}, "ValidationException: Invalid name"},
		{object{"SecretId": "app", "VersionId": "1"}, "ValidationException"},
		{object{"SecretId": "nothing"}, "ResourceNotFoundException: Secrets Manager can't find the specified secret."},
		{object{"SecretId": "far"}, "ResourceNotFoundException"},
		{object{"SecretId": "shared"}, "ResourceNotFoundException"},
		{object{"SecretId": "app", "VersionStage": "mine"}, "staging label: mine"},
		{object{"SecretId": "app", "VersionId": strings.Repeat("0", 32)}, "ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId"},
		{object{"SecretId": "app", "VersionId": first, "VersionStage": "AWSCURRENT"}, "InvalidRequestException: You provided"},
		{object{"SecretId": "gone"}, "InvalidRequestException: You can't perform"},
		{object{"SecretId": "kms"}, "DecryptionFailure"},
		{object{"SecretId": their}, "AccessDeniedException: User: " + DemoUser},
		{object{"SecretId": "arn:aws:s3:::app"}, "ValidationException"},
	} {
		wantRefused(t, fmt.Sprint(tt.in), secretValue(t, s, jo, tt.in), tt.want)
	}
	s.Deny("Decrypt", "app")
	wantRefused(t, "no key", secretValue(t, s, jo, object{"SecretId": "app"}), "AccessDeniedException: Access to KMS is not allowed")
	s.DemandMFA("GetSecretValue", "bytes")
	wantRefused(t, "no MFA", secretValue(t, s, jo, object{"SecretId": "bytes"}), "AccessDeniedException: User: ")
	mfa := must(sessionToken(s, jo, withCode(DemoSerial, s.Code(DemoSerial))))
	wantRefused(t, "MFA", secretValue(t, s, mfa, object{"SecretId": "bytes"}), "")
	if _, _, err := s.AddSecret(Secret{Name: "a b"}); err == nil {
		t.Error("a secret with a bad name")
	}
}

func TestBatchGetSecretValue(t *testing.T) {
	s := start(t, Config{})
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("app%02d", i))
		if _, _, err := s.AddSecret(Secret{Name: many[i], Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	arn, _, err := s.AddSecret(Secret{Name: "app00", Text: "new"})
	if err != nil {
		t.Fatal(err)
	}
	a := secretBatchOf(t, s, jo, object{"SecretIdList": []string{"app01", "none", "app02", "app00", arn}})
	wantColumn(t, a, "SecretValues", "Name", "app02", "app01", "app00")
	wantColumn(t, a, "SecretValues", "SecretString", "2", "1", "new")
	wantColumn(t, a, "Errors", "SecretId", "none")
	wantColumn(t, a, "Errors", "ErrorCode", "ResourceNotFoundException")

	for _, tt := range []struct {
		in   object
		want string
	}{
		{object{}, "InvalidParameterException"},
		{object{"SecretIdList": many}, "length less than or equal to 20"},
		{object{"SecretIdList": []string{}}, "ValidationException"},
		{object{"SecretIdList": []string{"app00", "app00"}}, "must be unique"},
		{object{"SecretIdList": many[:2], "NextToken": "9"}, "InvalidNextTokenException"},
	} {
		wantRefused(t, fmt.Sprint(tt.in), secretBatchOf(t, s, jo, tt.in), tt.want)
	}

	// Each secret needs a permission of its own, and the call needs another.
	s.Deny("GetSecretValue", "app01")
	a = secretBatchOf(t, s, jo, object{"SecretIdList": many[:2]})
	wantColumn(t, a, "SecretValues", "Name", "app00")
	wantColumn(t, a, "Errors", "ErrorCode", "AccessDeniedException")
	s.Deny("BatchGetSecretValue")
	wantRefused(t, "denied", secretBatchOf(t, s, jo, object{"SecretIdList": many[:2]}), "AccessDeniedException: User: "+DemoUser+
		" is not authorized to perform: secretsmanager:BatchGetSecretValue because")
	wantRefused(t, "one by one", secretValue(t, s, jo, object{"SecretId": "app00"}), "")
	s.Allow("BatchGetSecretValue")

	s.PageSecrets(2)
	a = secretBatchOf(t, s, jo, object{"SecretIdList": many[2:5]})
	wantColumn(t, a, "SecretValues", "Name", "app03", "app02")
	a = secretBatchOf(t, s, jo, object{"SecretIdList": many[2:5], "NextToken": a.object["NextToken"]})
	wantColumn(t, a, "SecretValues", "Name", "app04")
	if a.object["NextToken"] != nil {
		t.Errorf("a third page: %v", a.object)
	}
}

// Scripts make parameters and secrets, and deny them, through the control.
func TestControlSecrets(t *testing.T) {
	s := start(t, Config{})
	do := func(text string) reply {
		t.Helper()
		var o order
		if err := strictly(text, &o); err != nil {
			t.Fatal(err)
		}
		a, err := s.obey(o)
		if err != nil {
			t.Error(err)
		}
		return a
	}
	if a := do(`{"op":"parameter","parameter":{"name":"/x","value":"1","type":"SecureString","labels":["live"]}}`); a.ARN != "arn:aws:ssm:eu-west-1:111111111111:parameter/x" {
		t.Errorf("%+v", a)
	}
	wantColumn(t, parameters(t, s, jo, "/x:live"), "Parameters", "Value", "1")
	if a := do(`{"op":"secret","secret":{"name":"x","text":"2"}}`); !strings.Contains(a.ARN, ":secret:x-") || len(a.Version) != 36 {
		t.Errorf("%+v", a)
	}
	wantRefused(t, "a secret", secretValue(t, s, jo, object{"SecretId": "x"}), "")
	do(`{"op":"deny","action":"GetParameters","name":"/x"}`)
	wantRefused(t, "denied", parameters(t, s, jo, "/x"), "AccessDeniedException")
	wantRefused(t, "another", parameters(t, s, jo, DemoDevParameter), "")
	do(`{"op":"allow","action":"GetParameters","name":"/x"}`)
	wantRefused(t, "allowed", parameters(t, s, jo, "/x"), "")
	do(`{"op":"demand-mfa","action":"GetSecretValue","name":"x"}`)
	wantRefused(t, "no MFA", secretValue(t, s, jo, object{"SecretId": "x"}), "AccessDeniedException")
	do(`{"op":"page-secrets","times":1}`)
	if a := secretBatchOf(t, s, jo, object{"SecretIdList": []string{DemoDevSecret, "y"}}); a.object["NextToken"] != "1" {
		t.Errorf("%v", a.object)
	}
	for _, o := range []order{{Op: "parameter"}, {Op: "secret"}, {Op: "page-secrets"}} {
		if _, err := s.obey(o); err == nil {
			t.Errorf("%s: no error", o.Op)
		}
	}
}
