package plan

import (
	"strings"
	"testing"
)

func TestCheckSerial(t *testing.T) {
	for _, tt := range []struct{ serial, account, want string }{
		{"arn:aws:iam::111111111111:mfa/jo", "111111111111", ""},
		{"arn:aws:iam::111111111111:mfa/jo", "", ""},
		{"arn:aws-cn:iam::111111111111:mfa/team/jo", "111111111111", ""},
		{"arn:aws:iam::111111111111:mfa/root-account-mfa-device", "111111111111", ""},
		{"GAHT12345678", "111111111111", ""},
		{"arn:aws:iam::999999999999:mfa/jo", "111111111111", "the MFA device is in account 999999999999, but the key is in 111111111111"},
		{"arn:aws:iam::111111111111:u2f/user/jo/key", "", "arn:aws:iam::111111111111:u2f/user/jo/key is a FIDO security key, which AWS accepts only in the browser, not for session credentials"},
		{"arn:aws:iam::111111111111:user/jo", "", `"arn:aws:iam::111111111111:user/jo" is not an MFA device ARN`},
		{"arn:aws:sts::111111111111:mfa/jo", "", `"arn:aws:sts::111111111111:mfa/jo" is not an MFA device ARN`},
		{"arn:aws:iam::1:mfa/jo", "", `"arn:aws:iam::1:mfa/jo" is not an MFA device ARN`},
		{"123456", "", `"123456" is not an MFA serial`},
		{"none", "", `"none" is not an MFA serial`},
		{"", "", `"" is not an MFA serial`},
		{"GAHT 12345678", "", `"GAHT 12345678" is not an MFA serial`},
		{strings.Repeat("1", 257), "", `"` + strings.Repeat("1", 257) + `" is not an MFA serial`},
	} {
		if got := CheckSerial(tt.serial, ARN{Account: tt.account}); got != tt.want {
			t.Errorf("CheckSerial(%q, %q) = %q, want %q", tt.serial, tt.account, got, tt.want)
		}
	}
	user, _ := ParseARN("arn:aws-us-gov:iam::111111111111:user/jo")
	for serial, want := range map[string]string{
		"arn:aws-us-gov:iam::111111111111:mfa/jo": "",
		"arn:aws:iam::111111111111:mfa/jo":        `the MFA device is in partition "aws", but the key is in "aws-us-gov"`,
		"arn:aws-us-gov:iam::222222222222:mfa/jo": "the MFA device is in account 222222222222, but the key is in 111111111111",
		"GAHT12345678": "",
	} {
		if got := CheckSerial(serial, user); got != want {
			t.Errorf("CheckSerial(%q, %v) = %q, want %q", serial, user, got, want)
		}
	}
}
