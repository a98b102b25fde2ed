package doctor

import (
	"strings"
	"testing"
	"time"

	"fob/internal/host"
)

// Variables that come before fob, and what to do about them.
func TestEnvironment(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	const session = "AWS_ACCESS_KEY_ID=ASIA FOB_KEY_ID=ASIA FOB_PROFILE=dev "
	for _, tt := range []struct {
		env   string
		level Level
		what  string // the first finding, its beginning
		do    string
	}{
		{"", "", "", ""},
		{"AWS_ACCESS_KEY_ID=AKIA", Wrong, "AWS_ACCESS_KEY_ID is set", "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"},
		{"AWS_ACCESS_KEY_ID=AKIA FOB_KEY_ID=ASIA FOB_PROFILE=dev", Wrong, "AWS_ACCESS_KEY_ID is set", "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"},
		{"AWS_ACCESS_KEY_ID=AKIA FOB_PROFILE=dev", Wrong, "AWS_ACCESS_KEY_ID is set", "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"},
		{session, OK, "this is a shell of fob exec dev", ""},
		{session + "AWS_CREDENTIAL_EXPIRATION=2026-11-30T12:00:01Z", OK, "this is a shell of fob exec dev", ""},
		{session + "AWS_CREDENTIAL_EXPIRATION=2026-11-30T11:59:59Z", Wrong, "the session of this shell of fob exec dev has expired", "exit"},
		{session + "AWS_CREDENTIAL_EXPIRATION=soon", OK, "this is a shell of fob exec dev", ""},
		{session + "AWS_PROFILE=prod", Wrong, "AWS_PROFILE is set in this shell of fob exec dev", "unset AWS_PROFILE"},
		{"AWS_WEB_IDENTITY_TOKEN_FILE=/x", Advice, "AWS_WEB_IDENTITY_TOKEN_FILE is set", "unset AWS_WEB_IDENTITY_TOKEN_FILE"},
		{"AWS_BEARER_TOKEN_BEDROCK=x", Advice, "AWS_BEARER_TOKEN_BEDROCK is set", "unset AWS_BEARER_TOKEN_BEDROCK"},
		{"AWS_VAULT_BACKEND=pass", Advice, "AWS_VAULT_BACKEND is for aws-vault", "use FOB_BACKEND"},
		{"AWS_VAULT_PROMPT=ykman", Advice, "AWS_VAULT_PROMPT is for aws-vault", "use FOB_MFA_PROMPT"},
		{"AWS_VAULT_PROMPT=terminal", "", "", ""},
		{"AWS_CHAINED_SESSION_TOKEN_TTL=8h", Advice, "AWS_CHAINED_SESSION_TOKEN_TTL is for aws-vault", "use FOB_SESSION_DURATION"},
		{"AWS_CHAINED_SESSION_TOKEN_TTL=8h FOB_SESSION_DURATION=8h", "", "", ""},
		{"AWS_ASSUME_ROLE_TTL=2h", Advice, "AWS_ASSUME_ROLE_TTL is for aws-vault", "use duration_seconds in the profile"},
		{"AWS_MFA_SERIAL=arn:aws:iam::111111111111:mfa/jo AWS_ROLE_ARN=arn:aws:iam::222222222222:role/deploy", OK, "fob exec and fob login use AWS_ROLE_ARN, AWS_MFA_SERIAL where a profile", ""},
		{"AWS_ROLE_ARN=arn:aws:iam::222222222222:role/deploy AWS_WEB_IDENTITY_TOKEN_FILE=/x", Advice, "AWS_WEB_IDENTITY_TOKEN_FILE is set", "unset AWS_WEB_IDENTITY_TOKEN_FILE"},
		{"AWS_VAULT_BACKEND=pass FOB_BACKEND=pass", "", "", ""},
		{"AWS_VAULT_PROMPT=ykman FOB_MFA_PROMPT=ykman", "", "", ""},
		{"AWS_VAULT_FILE_PASSPHRASE=x", Advice, "AWS_VAULT_FILE_PASSPHRASE is for aws-vault", "use FOB_PASSPHRASE_FILE"},
	} {
		e := &exam{Setup: Setup{Getenv: host.Lookup(strings.Fields(tt.env)), Now: func() time.Time { return now }}, check: "environment"}
		if err := e.environment(t.Context()); err != nil {
			t.Fatal(err)
		}
		switch {
		case tt.what == "" && len(e.findings) == 0:
		case len(e.findings) != 1:
			t.Errorf("%q: %d findings: %v", tt.env, len(e.findings), e.findings)
		case e.findings[0].Level != tt.level || !strings.HasPrefix(e.findings[0].What, tt.what) || text(e.findings[0].Do) != tt.do:
			t.Errorf("%q: %+v", tt.env, e.findings[0])
		}
	}
	unasked := &exam{Setup: Setup{Getenv: host.Lookup([]string{"AWS_VAULT_FILE_PASSPHRASE=x"}), Unasked: true}}
	if err := unasked.environment(t.Context()); err != nil || len(unasked.findings) != 0 {
		t.Errorf("a passphrase that fob has from elsewhere: %v, %v", unasked.findings, err)
	}
	e := &exam{Setup: Setup{Getenv: host.Lookup(nil), Passphrase: true}}
	if err := e.environment(t.Context()); err != nil || len(e.findings) != 1 || text(e.findings[0].Do) != "export FOB_PASSPHRASE_FILE=FILE" {
		t.Errorf("a passphrase in the environment: %v, %v", e.findings, err)
	}
}

// text is a remedy on one line.
func text(r Remedy) string {
	var all []string
	for _, h := range r {
		all = append(all, h.String())
	}
	return strings.Join(all, "; ")
}
