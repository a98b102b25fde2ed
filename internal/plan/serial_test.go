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
		{"arn:aws:iam::999999999999:mfa/jo", "111111111111", "the MFA device is in account 999999999999, the key in 111111111111"},
		{"arn:aws:iam::111111111111:u2f/user/jo/key", "", "arn:aws:iam::111111111111:u2f/user/jo/key is a FIDO security key, and AWS takes those only in the browser, not for session credentials"},
		{"arn:aws:iam::111111111111:user/jo", "", `"arn:aws:iam::111111111111:user/jo" is no ARN of an MFA device`},
		{"arn:aws:sts::111111111111:mfa/jo", "", `"arn:aws:sts::111111111111:mfa/jo" is no ARN of an MFA device`},
		{"arn:aws:iam::1:mfa/jo", "", `"arn:aws:iam::1:mfa/jo" is no ARN of an MFA device`},
		{"123456", "", `"123456" is no MFA serial number`},
		{"none", "", `"none" is no MFA serial number`},
		{"", "", `"" is no MFA serial number`},
		{"GAHT 12345678", "", `"GAHT 12345678" is no MFA serial number`},
		{strings.Repeat("1", 257), "", `"` + strings.Repeat("1", 257) + `" is no MFA serial number`},
	} {
		if got := CheckSerial(tt.serial, tt.account); got != tt.want {
			t.Errorf("CheckSerial(%q, %q) = %q, want %q", tt.serial, tt.account, got, tt.want)
		}
	}
}
