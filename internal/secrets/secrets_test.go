package secrets

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// aws answers for both services, in all regions; a call is refused as its own checks say.
type aws struct {
	parameters map[string]string // by name, or name:version
	secrets    map[string]secret // by name, or name:stage or name:version
	// denied are actions, names of parameters and IDs of secrets without a permission.
	denied []string
	// batchErrors are secrets that a batch does not give although a single call does.
	batchErrors []string
	err         error // of every call
	calls       []string
}

func (a *aws) dial(service, region string) (Caller, error) {
	return caller{a, region}, nil
}

type caller struct {
	*aws
	region string
}

func refused(action, code string) error {
	return &awsapi.RefusedError{Action: action, Code: code, Message: "no"}
}

func (c caller) JSON(_ context.Context, with creds.Session, call awsapi.JSON, answer any) error {
	body, _ := json.Marshal(call.Body)
	c.calls = append(c.calls, fmt.Sprintf("%s %s %s", c.region, call.Action, body))
	c.aws.calls = c.calls
	service, action, ok := strings.Cut(call.Target, ".")
	if !ok || action != call.Action || with.ID == "" || !call.Again || call.Method != "POST" || (service == "AmazonSSM") != (call.Service == "ssm") {
		return fmt.Errorf("not a call that AWS would understand: %+v", call)
	}
	if c.err != nil {
		return c.err
	}
	if slices.Contains(c.denied, action) {
		return refused(action, "AccessDeniedException")
	}
	var in struct {
		Names, SecretIdList               []string
		SecretId, VersionId, VersionStage string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	if len(in.Names) > 10 || len(in.SecretIdList) > 20 {
		return refused(action, "ValidationException")
	}
	var out any
	switch action {
	case "GetParameters":
		var found []parameter
		for _, n := range in.Names {
			if slices.Contains(c.denied, n) {
				return refused(action, "AccessDeniedException")
			}
			value, ok := c.parameters[n]
			if !ok {
				continue
			}
			p := parameter{Name: n, Value: value}
			if strings.HasPrefix(n, "arn:") {
				p.Name = "/" + n[strings.LastIndexByte(n, '/')+1:]
				p.ARN = n
			} else if name, selector, ok := strings.Cut(n, ":"); ok {
				p.Name, p.Selector = name, ":"+selector
			}
			found = append(found, p)
		}
		slices.SortFunc(found, func(a, b parameter) int { return strings.Compare(a.Name, b.Name) })
		out = map[string]any{"Parameters": found}
	case "BatchGetSecretValue":
		var found []secret
		for _, id := range in.SecretIdList {
			if s, ok := c.secrets[id]; ok && !slices.Contains(c.denied, id) && !slices.Contains(c.batchErrors, id) {
				found = append(found, s)
			}
		}
		slices.Reverse(found)
		out = map[string]any{"SecretValues": found}
	case "GetSecretValue":
		id := in.SecretId
		if v := cmp.Or(in.VersionId, in.VersionStage); v != "" {
			id += ":" + v
		}
		s, ok := c.secrets[id]
		switch {
		case slices.Contains(c.denied, in.SecretId):
			return refused(action, "AccessDeniedException")
		case !ok:
			return refused(action, "ResourceNotFoundException")
		}
		out = s
	}
	text, _ := json.Marshal(out)
	return json.Unmarshal(text, answer)
}

func text(name, value string) secret {
	return secret{Name: name, ARN: "arn:aws:secretsmanager:eu-west-1:111111111111:secret:" + name + "-AbCdEf", SecretString: &value}
}

// read reads NAME=REFERENCE...; each reference is looked up in eu-west-1.
func (a *aws) read(t *testing.T, lines ...string) (string, error) {
	t.Helper()
	var all []plan.Variable
	for _, line := range lines {
		v, err := plan.ParseSecret(line, "--secret")
		if err != nil {
			t.Fatal(err)
		}
		for i := range v.Value {
			if ref := &v.Value[i].Reference; *ref != (plan.Reference{}) {
				ref.Region = cmp.Or(ref.Region, "eu-west-1")
			}
		}
		all = append(all, v)
	}
	r := Reader{
		With: creds.Session{Key: creds.Key{ID: "ASIAIOSFODNN7EXAMPLE"}},
		Dial: a.dial, Fits: func(_, value string) bool { return len(value) <= 100 },
	}
	values, err := r.Read(t.Context(), all)
	var shown []string
	for _, v := range values {
		shown = append(shown, v.Name+"="+v.Value.Reveal())
	}
	return strings.Join(shown, " "), err
}

func newAWS() *aws {
	binary := func(name string, value []byte) secret {
		s := text(name, "")
		s.SecretString, s.SecretBinary = nil, value
		return s
	}
	previous := text("prod/api", "old")
	object := `{"token":"t1","number":1.50,"yes":true,"null":null,"list":[1],"object":{"a":"hidden"},"":"empty","nul":"a\u0000b","line":"a\nb"}`
	a := &aws{
		parameters: map[string]string{
			"/a": "1", "/b": "2", "/b:3": "2.3", "/b:4": "2.4", "/b:blue": "2.blue",
			"arn:aws:ssm:us-east-1:222222222222:parameter/shared": "s", "list": "x,y",
		},
		secrets: map[string]secret{
			"plain": text("plain", "p"), "object": text("object", object), "prod/api": text("prod/api", "new"),
			"prod/api:AWSPREVIOUS": previous, "array": text("array", `["hidden"]`), "word": text("word", `"hidden"`),
			"binary": binary("binary", []byte("text in bytes")), "bytes": binary("bytes", []byte{0xff, 0xfe}),
			"nul": text("nul", "hid\x00den"), "long": text("long", strings.Repeat("hidden", 20)), "none": binary("none", nil),
		},
	}
	for i := range 45 {
		a.parameters[fmt.Sprintf("/many/%d", i)] = fmt.Sprint(i)
		a.secrets[fmt.Sprintf("many%d", i)] = text(fmt.Sprintf("many%d", i), fmt.Sprint(i))
	}
	for _, id := range []string{"prod/api", "plain"} {
		s := a.secrets[id]
		a.secrets[s.ARN], a.secrets[strings.TrimSuffix(s.ARN, "-AbCdEf")] = s, s
	}
	return a
}

const arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:"

// What a reference names is the value of its variable, in whatever order AWS answers, and
// it takes as few calls as AWS allows.
func TestRead(t *testing.T) {
	for _, row := range []struct {
		name  string
		lines string
		want  string
		calls []string
	}{
		{"parameters", "B=ssm:/b A=ssm:/a L=ssm:list", "B=2 A=1 L=x,y", []string{
			`eu-west-1 GetParameters {"Names":["/b","/a","list"],"WithDecryption":true}`,
		}},
		{"versions of one parameter", "A=ssm:/b:3 B=ssm:/b C=ssm:/b:blue D=ssm:/a", "A=2.3 B=2 C=2.blue D=1", []string{
			`eu-west-1 GetParameters {"Names":["/b:3","/a"],"WithDecryption":true}`,
			`eu-west-1 GetParameters {"Names":["/b"],"WithDecryption":true}`,
			`eu-west-1 GetParameters {"Names":["/b:blue"],"WithDecryption":true}`,
		}},
		{"each once", "A=ssm:/a B=ssm:/a C={{resolve:ssm:/a}}-{{resolve:ssm-secure:/a}}", "A=1 B=1 C=1-1", []string{
			`eu-west-1 GetParameters {"Names":["/a"],"WithDecryption":true}`,
		}},
		{"another region", "A=ssm:/a S=ssm:arn:aws:ssm:us-east-1:222222222222:parameter/shared", "A=1 S=s", []string{
			`eu-west-1 GetParameters {"Names":["/a"],"WithDecryption":true}`,
			`us-east-1 GetParameters {"Names":["arn:aws:ssm:us-east-1:222222222222:parameter/shared"],"WithDecryption":true}`,
		}},
		{"one secret", "P=secretsmanager:plain", "P=p", []string{`eu-west-1 GetSecretValue {"SecretId":"plain"}`}},
		{"one secret, two keys", "A=secretsmanager:object#token B=secretsmanager:object#number", "A=t1 B=1.50", []string{`eu-west-1 GetSecretValue {"SecretId":"object"}`}},
		{"secrets", "P=secretsmanager:plain O=secretsmanager:object#yes B=secretsmanager:binary", "P=p O=true B=text in bytes", []string{
			`eu-west-1 BatchGetSecretValue {"SecretIdList":["plain","object","binary"]}`,
		}},
		{"ARNs", "A=secretsmanager:" + arn + "prod/api-AbCdEf B=secretsmanager:" + arn + "plain", "A=new B=p", []string{
			`eu-west-1 BatchGetSecretValue {"SecretIdList":["` + arn + `prod/api-AbCdEf","` + arn + `plain"]}`,
		}},
		{"a stage", "A={{resolve:secretsmanager:prod/api:SecretString::AWSPREVIOUS}} B=secretsmanager:prod/api", "A=old B=new", []string{
			`eu-west-1 GetSecretValue {"SecretId":"prod/api","VersionStage":"AWSPREVIOUS"}`,
			`eu-west-1 GetSecretValue {"SecretId":"prod/api"}`,
		}},
		{"both services, and text", "U=postgres://app:{{resolve:secretsmanager:object:SecretString:token}}@{{resolve:ssm:list}}/db L={{resolve:secretsmanager:object:SecretString:line}}", "U=postgres://app:t1@x,y/db L=a\nb", []string{
			`eu-west-1 GetSecretValue {"SecretId":"object"}`,
			`eu-west-1 GetParameters {"Names":["list"],"WithDecryption":true}`,
		}},
	} {
		a := newAWS()
		got, err := a.read(t, strings.Fields(row.lines)...)
		if err != nil || got != row.want {
			t.Errorf("%s: got %s, %v", row.name, got, err)
		}
		if !slices.Equal(a.calls, row.calls) {
			t.Errorf("%s: called\n%s", row.name, strings.Join(a.calls, "\n"))
		}
	}
}

func TestReadMany(t *testing.T) {
	a := newAWS()
	var lines, want []string
	for i := range 45 {
		lines = append(lines, fmt.Sprintf("P%d=ssm:/many/%d", i, i), fmt.Sprintf("S%d=secretsmanager:many%d", i, i))
		want = append(want, fmt.Sprintf("P%d=%d", i, i), fmt.Sprintf("S%d=%d", i, i))
	}
	got, err := a.read(t, lines...)
	if err != nil || got != strings.Join(want, " ") {
		t.Errorf("got %s, %v", got, err)
	}
	if len(a.calls) != 5+3 {
		t.Errorf("%d calls", len(a.calls))
	}
}

// One value that cannot be had, and the command gets none; the error names each, and no
// value. What the session may not do together it does one by one.
func TestMissing(t *testing.T) {
	for _, row := range []struct {
		name, lines string
		change      func(*aws)
		says        string // "" for no error
		calls       int
	}{
		{"no parameter", "A=ssm:/a X=ssm:/x", nil, "no value for 1 of 2 variables: X (ssm:/x): no such parameter in eu-west-1", 1},
		{"no version", "A=ssm:/a:9", nil, "no value for A (ssm:/a:9): no such version of the parameter in eu-west-1", 1},
		{"no secret", "X=secretsmanager:x", nil, "no value for X (secretsmanager:x): no such secret in eu-west-1", 1},
		{"no stage", "X={{resolve:secretsmanager:plain:::S}}", nil, "X ({{resolve:secretsmanager:plain:SecretString::S}}): no such version of the secret in eu-west-1", 1},
		{"two of three", "A=ssm:/a X=ssm:/x Y=secretsmanager:y", nil, "no value for 2 of 3 variables: X (ssm:/x): no such parameter in eu-west-1; Y (secretsmanager:y): no such secret in eu-west-1", 2},
		{"a parameter denied", "A=ssm:/a B=ssm:/b", func(a *aws) { a.denied = []string{"/b"} }, "no value for 1 of 2 variables: B (ssm:/b): AWS refused GetParameters: AccessDeniedException: no", 3},
		{"all parameters denied", "A=ssm:/a B=ssm:/b", func(a *aws) { a.denied = []string{"GetParameters"} }, "no value for 2 of 2 variables: A", 3},
		{"a secret denied", "A=secretsmanager:plain B=secretsmanager:word", func(a *aws) { a.denied = []string{"word"} }, "no value for 1 of 2 variables: B (secretsmanager:word): AWS refused GetSecretValue: AccessDeniedException", 2},
		{"batches denied", "A=secretsmanager:plain B=secretsmanager:word", func(a *aws) { a.denied = []string{"BatchGetSecretValue"} }, "", 3},
		{"not in a batch", "A=secretsmanager:plain B=secretsmanager:word", func(a *aws) { a.batchErrors = []string{"word"} }, "", 2},
		{"no key", "A=secretsmanager:object#hid", nil, "A (secretsmanager:object#hid): the secret has no such key", 1},
		{"another case", "A=secretsmanager:object#TOKEN", nil, "the secret has no such key", 1},
		{"not an object", "A=secretsmanager:plain#a", nil, "A (secretsmanager:plain#a): the secret is not a JSON object, so it has no keys", 1},
		{"an array", "A=secretsmanager:array#a", nil, "not a JSON object", 1},
		{"a word", "A=secretsmanager:word#a", nil, "not a JSON object", 1},
		{"an object in it", "A=secretsmanager:object#object", nil, "the key holds a list or an object; use a string, number or boolean", 1},
		{"a list in it", "A=secretsmanager:object#list", nil, "the key holds a list or an object; use a string, number or boolean", 1},
		{"null", "A=secretsmanager:object#null", nil, "the key has the value null", 1},
		{"NUL", "A=secretsmanager:nul", nil, "A (secretsmanager:nul): the value has a NUL byte", 1},
		{"NUL in JSON", "A=secretsmanager:object#nul", nil, "the value has a NUL byte", 1},
		{"binary", "A=secretsmanager:bytes", nil, "the value is binary, not text", 1},
		{"no value", "A=secretsmanager:none", nil, "the secret has no value yet", 1},
		{"too long", "A=secretsmanager:long", nil, "no value for A: the value is longer than a variable can be", 1},
	} {
		a := newAWS()
		if row.change != nil {
			row.change(a)
		}
		got, err := a.read(t, strings.Fields(row.lines)...)
		var missing *MissingError
		switch {
		case row.says == "":
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		case !errors.As(err, &missing) || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hidden") || got != "":
			t.Errorf("%s: got %s, %v", row.name, got, err)
		}
		if len(a.calls) != row.calls {
			t.Errorf("%s: %d calls:\n%s", row.name, len(a.calls), strings.Join(a.calls, "\n"))
		}
	}
}

// What is wrong with the session or the network is wrong for all values: nothing more is
// asked for.
func TestReadFails(t *testing.T) {
	for _, failure := range []error{
		refused("GetParameters", "ExpiredTokenException"), refused("GetParameters", "UnrecognizedClientException"),
		&awsapi.UnreachableError{Host: "ssm"}, &awsapi.AnswerError{Action: "GetParameters"}, context.Canceled,
	} {
		a := newAWS()
		a.err = failure
		_, err := a.read(t, "A=ssm:/a", "B=ssm:/b", "C=secretsmanager:plain")
		var missing *MissingError
		if !errors.Is(err, failure) || errors.As(err, &missing) || len(a.calls) != 1 {
			t.Errorf("%v: got %v after %d calls", failure, err, len(a.calls))
		}
	}
}

// An answer about something else is not believed.
func TestOtherAnswers(t *testing.T) {
	a := newAWS()
	a.secrets["mine"] = text("other", "x")
	_, err := a.read(t, "A=secretsmanager:mine")
	var strange *awsapi.AnswerError
	if !errors.As(err, &strange) {
		t.Error(err)
	}
	for _, row := range []struct {
		p    parameter
		s    source
		want bool
	}{
		{parameter{Name: "/a"}, source{id: "/a"}, true},
		{parameter{Name: "/a"}, source{id: "/b"}, false},
		{parameter{Name: "/a", Selector: ":3"}, source{id: "/a"}, false},
		{parameter{Name: "/a", Selector: ":3"}, source{id: "/a", version: "3"}, true},
		{parameter{Name: "/a", Selector: ":3"}, source{id: "/a", version: "4"}, false},
		{parameter{Name: "/a", Version: 3}, source{id: "/a", version: "3"}, true}, // servers that repeat no selector
		{parameter{Name: "/a", Version: 3}, source{id: "/a", version: "4"}, false},
		{parameter{Name: "/a", Version: 3}, source{id: "/a", version: "blue"}, true},
	} {
		if got := row.p.is(row.s); got != row.want {
			t.Errorf("%+v is %+v: %v", row.p, row.s, got)
		}
	}
	for id, want := range map[string]bool{
		"api": true, arn + "api-AbCdEf": true, arn + "api": true, "ap": false, arn + "api-Ab": false, arn + "ap": false, arn: false, "": false,
	} {
		if got := text("api", "").is(id); got != want {
			t.Errorf("api is %s: %v", id, got)
		}
	}
	// A secret whose name ends like an ARN does.
	if text("api-AbCdEf", "").is(arn + "api") {
		t.Error("another secret")
	}
}

// No value is printed with what it is in.
func TestNotPrinted(t *testing.T) {
	found := results{source{id: "x"}: {text: creds.NewSecret("hidden")}}
	v := Variable{"X", creds.NewSecret("hidden")}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(form, found) + fmt.Sprintf(form, v) + fmt.Sprintf(form, &v); strings.Contains(got, "hidden") {
			t.Error(got)
		}
	}
}
