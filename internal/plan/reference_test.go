package plan

import (
	"errors"
	"strings"
	"testing"
)

const (
	testVersion   = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"
	testParameter = "arn:aws:ssm:us-east-1:222222222222:parameter/prod/db"
	testSecret    = "arn:aws:secretsmanager:us-east-1:222222222222:secret:prod/api-AbCdEf"
)

func TestReference(t *testing.T) {
	ssm := func(id, version string) Reference { return Reference{Service: "ssm", ID: id, Version: version} }
	sm := func(id, key, stage, version string) Reference {
		return Reference{Service: "secretsmanager", ID: id, Key: key, Stage: stage, Version: version}
	}
	in := func(region string, r Reference) Reference { r.Region = region; return r }
	for _, row := range []struct {
		text string
		want Reference
		says string // how String spells it, if not like text
	}{
		// fob's spelling
		{"ssm:/prod/db/password", ssm("/prod/db/password", ""), ""},
		{"ssm:plain.name_-", ssm("plain.name_-", ""), ""},
		{"ssm:/prod/db:3", ssm("/prod/db", "3"), ""},
		{"ssm:/prod/db:blue", ssm("/prod/db", "blue"), ""},
		{"ssm:/aws/reference/secretsmanager/prod/api", ssm("/aws/reference/secretsmanager/prod/api", ""), ""},
		{"ssm:" + testParameter, in("us-east-1", ssm(testParameter, "")), ""},
		{"ssm:" + testParameter + ":7", in("us-east-1", ssm(testParameter, "7")), ""},
		{"secretsmanager:prod/api", sm("prod/api", "", "", ""), ""},
		{"secretsmanager:prod/api#token", sm("prod/api", "token", "", ""), ""},
		{"secretsmanager:prod/api#a#b:c }} d", sm("prod/api", "a#b:c }} d", "", ""), ""},
		{"secretsmanager:rds!db-1234#password", sm("rds!db-1234", "password", "", ""), ""},
		{"secretsmanager:" + testSecret, in("us-east-1", sm(testSecret, "", "", "")), ""},
		{"secretsmanager:" + testSecret + "#token", in("us-east-1", sm(testSecret, "token", "", "")), ""},
		// CloudFormation's, with the examples of its manual
		{"{{resolve:ssm:S3AccessControl:2}}", ssm("S3AccessControl", "2"), "ssm:S3AccessControl:2"},
		{"{{resolve:ssm:S3AccessControl}}", ssm("S3AccessControl", ""), "ssm:S3AccessControl"},
		{"{{resolve:ssm-secure:IAMUserPassword:10}}", ssm("IAMUserPassword", "10"), "ssm:IAMUserPassword:10"},
		{"{{resolve:ssm:" + testParameter + ":1}}", in("us-east-1", ssm(testParameter, "1")), "ssm:" + testParameter + ":1"},
		{"{{resolve:secretsmanager:MySecret}}", sm("MySecret", "", "", ""), "secretsmanager:MySecret"},
		{"{{resolve:secretsmanager:MySecret::::}}", sm("MySecret", "", "", ""), "secretsmanager:MySecret"},
		{"{{resolve:secretsmanager:MySecret:SecretString}}", sm("MySecret", "", "", ""), "secretsmanager:MySecret"},
		{"{{resolve:secretsmanager:MySecret:SecretString:password}}", sm("MySecret", "password", "", ""), "secretsmanager:MySecret#password"},
		{"{{resolve:secretsmanager:MySecret:SecretString:password:AWSPREVIOUS}}", sm("MySecret", "password", "AWSPREVIOUS", ""), ""},
		{"{{resolve:secretsmanager:MySecret:SecretString:::" + testVersion + "}}", sm("MySecret", "", "", testVersion), ""},
		{"{{resolve:secretsmanager:" + testSecret + ":SecretString:password:AWSPREVIOUS}}", in("us-east-1", sm(testSecret, "password", "AWSPREVIOUS", "")), ""},
		{"{{resolve:secretsmanager:" + testSecret + "}}", in("us-east-1", sm(testSecret, "", "", "")), "secretsmanager:" + testSecret},
	} {
		parts, err := parseValue(row.text)
		if err != nil || len(parts) != 1 || parts[0].Reference != row.want {
			t.Errorf("%s: got %+v, %v", row.text, parts, err)
			continue
		}
		want := row.says
		if want == "" {
			want = row.text
		}
		if got := parts[0].Reference.String(); got != want {
			t.Errorf("%s is spelled %s", row.text, got)
		}
		again, err := parseValue(row.want.String())
		if err != nil || len(again) != 1 || again[0].Reference != row.want {
			t.Errorf("%s is read back as %+v, %v", row.want, again, err)
		}
	}
}

// What is like a reference and is not one is an error, and nothing of it is repeated: it
// may be the secret itself.
func TestNoReference(t *testing.T) {
	for text, says := range map[string]string{
		"ssm:":                               "not the name of a parameter",
		"ssm:hunter two":                     "not the name of a parameter",
		`ssm:hunter\`:                        "not the name of a parameter",
		"ssm:hunter:":                        "not a version",
		"ssm:hunter:a b":                     "not a version",
		"ssm:hunter:1:2":                     "not the name of a parameter",
		"ssm:arn:aws:ssm:hunter":             "not the ARN of a parameter",
		"ssm:" + testSecret:                  "not the ARN of a parameter",
		"ssm:arn:aws-cn" + testParameter[7:]: "not the ARN of a parameter", // us-east-1 is not in China
		"ssm:arn:aws:ssm:evil.com/:222222222222:parameter/hunter": "not the ARN of a parameter",
		"ssm:arn:aws:ssm:us-east-1:22:parameter/hunter":           "not the ARN of a parameter",
		"secretsmanager:":                                "not the name of a secret",
		"secretsmanager:#hunter":                         "not the name of a secret",
		"secretsmanager:hunter#":                         "no key after #",
		"secretsmanager:hunter:SecretString:key":         "a reference to a version is written {{resolve:secretsmanager:",
		"secretsmanager:hunter two":                      "not the name of a secret",
		"secretsmanager:hunter#a\nb":                     "a control character",
		"secretsmanager:" + testParameter:                "not the ARN of a secret",
		"{{resolve:ssm:hunter}":                          "does not end in }}",
		"x{{resolve:hunter}}":                            "a reference begins with",
		"{{resolve:SSM:hunter}}":                         "a reference begins with",
		"{{resolve:secretsmanager:hunter:SecretBinary}}": "only SecretString",
		"{{resolve:secretsmanager:hunter:SecretString:a:AWSCURRENT:" + testVersion + "}}": "a stage or a version ID, not both",
		"{{resolve:secretsmanager:hunter:SecretString:a::3}}":                             "32 to 64 characters",
		"{{resolve:secretsmanager:hunter:SecretString:a:b:c:d}}":                          "too many colons",
		"{{resolve:secretsmanager:hunter:SecretString:a:b c}}":                            "not a stage",
		`{{resolve:secretsmanager:hunter\}}`:                                              "not the name of a secret",
	} {
		parts, err := parseValue(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: got %+v, %v", text, parts, err)
		}
	}
	for text, typed := range map[string]bool{
		"DB_PASSWORD": false, "hunter2!": true, "X=hunter2": true, "X=": true, "1X=ssm:/hunter": false, "PATH=ssm:/x": false, "=ssm:/x": false,
		"X=arn:aws:ssm:eu-west-1:111111111111:parameter/hunter": false,
	} {
		_, err := ParseSecret(text, "--secret")
		var e *VariableError
		if !errors.As(err, &e) || e.Typed != typed || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Whatever a config says, a reference that is read can be written and read back, and
// what is sent to AWS has no character of another protocol.
func FuzzReference(f *testing.F) {
	for _, s := range []string{
		"ssm:/a:1", "secretsmanager:a#b", "{{resolve:secretsmanager:" + testSecret + ":SecretString:k:AWSCURRENT}}",
		"a{{resolve:ssm:x}}b{{resolve:ssm-secure:y}}", "{{resolve:ssm:" + testParameter + ":1}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := parseValue(text)
		if err != nil {
			return
		}
		for _, p := range parts {
			ref := p.Reference
			if ref == (Reference{}) {
				continue
			}
			if strings.ContainsAny(ref.ID+ref.Version+ref.Stage, " \r\n\t\"\\{}") || ref.Region != "" && !IsRegion(ref.Region) {
				t.Errorf("%+v", ref)
			}
			again, err := parseValue(ref.String())
			if ref.Version+ref.Stage != "" && strings.ContainsAny(ref.Key, ":}") {
				continue // only a # takes such a key, and it has no versions
			}
			if err != nil || len(again) != 1 || again[0].Reference != ref {
				t.Errorf("%+v is spelled %s, and read back as %+v, %v", ref, ref, again, err)
			}
		}
	})
}
