package creds_test

import (
	"fmt"
	"strings"
	"testing"

	"fob/internal/creds"
)

const pasted = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" // from AWS's documentation

// A secret is found whatever stands around it.
func TestHide(t *testing.T) {
	for _, around := range []string{
		"%s", "eu-west-1:%s", "%s@x", "%s|x", "<%s>", "[%s]", "{%s}", "`%s`", "%s&x", "%s.", "(%s)", "x = %s", "x=%s", "'%s'", "\\\"%s\\\"",
		"/bin/x (%s)", "/bin/x `echo %s`", "https://AKIAIOSFODNN7EXAMPLE:%s@host/", "https://%s@host/", "x|%s", "%s, %s", "-%s", "%s\n%s", "a\n%s",
		`invalid region "a\n%s"`, `{"SecretAccessKey":"%s"}`, "é%sé", "%%%s%%", "*%s*", "#%s", "!%s?", "~%s~", "^%s$",
	} {
		text := strings.ReplaceAll(around, "%s", pasted)
		want := strings.ReplaceAll(around, "%s", "(hidden)")
		if got := creds.Hide(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
		if !creds.HasKey(text) || strings.Count(around, "%s") != len(creds.Secrets(text)) {
			t.Errorf("%q: %v, %q", text, creds.HasKey(text), creds.Secrets(text))
		}
	}
	token := strings.Repeat("IQoJb3JpZ2luX2VjE/+", 20)
	for text, want := range map[string]string{
		"aws_session_token = " + token + "==":              "aws_session_token = (hidden)",
		`{"SessionToken":"` + token + `"}`:                 `{"SessionToken":"(hidden)"}`,
		`"v\naws_session_token: wJalr\nx = y"`:             `"v\naws_session_token: (hidden)\nx = y"`,
		"AWS_Secret_Access_Key=wJalr":                      "AWS_Secret_Access_Key=(hidden)",
		"aws_security_token = wJalr w":                     "aws_security_token = (hidden) w",
		"the seed JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP.":       "the seed (hidden).",
		"the identity AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3": "the identity (hidden)",
		`"otpauth://totp/AWS:jo?secret=JBSWY3DP"`:          `"(hidden)"`,
	} {
		got := creds.Hide(text)
		if got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
		if again := creds.Hide(got); again != got {
			t.Errorf("%q is shown as %q", got, again)
		}
	}
}

// What people need to read stays.
func TestHideLittle(t *testing.T) {
	for _, text := range []string{
		"", "(hidden)", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "arn:aws:iam::111111111111:role/PlatformEngineeringProductionDeploy12",
		"ssm:prod/Payments/Database/MasterPassword123", "{{resolve:secretsmanager:prod/Payments/Database/MasterPassword123:SecretString:password}}",
		"/Users/johnsmith/Documents/tools/v12/fob2", "~/Users/johnsmith/Documents/tools/v12/fob",
		"src/main/java/Com/Example/FooController1.java", "src/main/java/Com/Example/Foo/Controller",
		"x_" + pasted, "x-" + pasted + "_y", pasted + "-x", pasted + "x", "x" + pasted,
		"aws_session_token: start the line in the first column", "aws_secret_access_key =", "aws_session_token",
		"begins with AGE-SECRET-KEY-1", "an otpauth:// URL", "AKIAIOSFODNN7EXAMPLE",
		"https://signin.aws.amazon.com/?code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&x=y",
	} {
		if got := creds.Hide(text); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	for text, want := range map[string]bool{"x (AKIAIOSFODNN7EXAMPLE)": true, "AKIA:ASIAIOSFODNN7EXAMPLE": true, "AKIA-x": false, "AKIAIOSFODNN7EXAMPLE-x": false} {
		if creds.HasKey(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func BenchmarkHide(b *testing.B) {
	line := fmt.Sprintf("%q,\n", "arn:aws:iam::111111111111:role/PlatformEngineering")
	text := strings.Repeat(line, 10000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		creds.Hide(text)
	}
}
