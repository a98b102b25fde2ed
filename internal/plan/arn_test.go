package plan

import "testing"

func TestARN(t *testing.T) {
	for _, tt := range []struct {
		arn                string
		want               ARN
		name, user, likely string
		root               bool
	}{
		{arn: "arn:aws:iam::111111111111:user/jo", want: ARN{"aws", "iam", "111111111111", "user/jo"},
			name: "jo", user: "jo", likely: "arn:aws:iam::111111111111:mfa/jo"},
		{arn: "arn:aws-cn:iam::111111111111:user/team/eu/jo", want: ARN{"aws-cn", "iam", "111111111111", "user/team/eu/jo"},
			name: "jo", user: "jo", likely: "arn:aws-cn:iam::111111111111:mfa/jo"},
		{arn: "arn:aws:iam::111111111111:root", want: ARN{"aws", "iam", "111111111111", "root"},
			name: "root", likely: "arn:aws:iam::111111111111:mfa/root-account-mfa-device", root: true},
		{arn: "arn:aws:sts::111111111111:assumed-role/deploy/jo", want: ARN{"aws", "sts", "111111111111", "assumed-role/deploy/jo"}, name: "jo"},
		{arn: "arn:aws:sts::111111111111:federated-user/jo", want: ARN{"aws", "sts", "111111111111", "federated-user/jo"}, name: "jo"},
		{arn: "arn:aws:iam::111111111111:role/a:b", want: ARN{"aws", "iam", "111111111111", "role/a:b"}, name: "a:b"},
		{arn: "arn:aws:iam::111111111111:user/", want: ARN{"aws", "iam", "111111111111", "user/"}},
		{arn: "arn:aws:iam::111111111111:user/root", want: ARN{"aws", "iam", "111111111111", "user/root"},
			name: "root", user: "root", likely: "arn:aws:iam::111111111111:mfa/root"},
		{arn: "arn:aws:sts::111111111111:root", want: ARN{"aws", "sts", "111111111111", "root"}, name: "root"},
		{arn: "arn:aws:iam::111111111111:user/a~b", want: ARN{"aws", "iam", "111111111111", "user/a~b"},
			name: "a~b", user: "a~b", likely: "arn:aws:iam::111111111111:mfa/a~b"},
		{arn: "arn:aws:iam::111111111111:user/j o"},
		{arn: "arn:aws:iam::1:user/jo"},
		{arn: "arn:aws:iam::aws:policy/ReadOnlyAccess"},
		{arn: "arn:aws:iam:eu-west-1:111111111111:user/jo"},
		{arn: "arn:aws:iam::111111111111:"},
		{arn: "arn:aws:iam::111111111111:user/j\x1bo"},
		{arn: "GAHT12345678"},
		{arn: ""},
	} {
		got, ok := ParseARN(tt.arn)
		if ok != (tt.want != ARN{}) || got != tt.want {
			t.Errorf("ParseARN(%q) = %+v, %v", tt.arn, got, ok)
		}
		if ok && got.String() != tt.arn {
			t.Errorf("%q becomes %q", tt.arn, got)
		}
		if got.Name() != tt.name || got.UserName() != tt.user || got.LikelyMFASerial() != tt.likely || got.IsRoot() != tt.root {
			t.Errorf("%q: name %q, user %q, serial %q, root %v", tt.arn, got.Name(), got.UserName(), got.LikelyMFASerial(), got.IsRoot())
		}
	}
	if s := (ARN{}).String(); s != "" {
		t.Errorf("the zero ARN is %q", s)
	}
}

func TestShortSerial(t *testing.T) {
	for serial, want := range map[string]string{
		"arn:aws:iam::111111111111:mfa/jo":          "mfa/jo",
		"arn:aws:iam::111111111111:mfa/team/jo":     "mfa/team/jo",
		"arn:aws:iam::111111111111:u2f/user/jo/key": "u2f/user/jo/key",
		"GAHT12345678": "GAHT12345678",
		"":             "",
	} {
		if got := ShortSerial(serial); got != want {
			t.Errorf("ShortSerial(%q) = %q, want %q", serial, got, want)
		}
	}
}
