package plan

import "strings"

// ARN is an Amazon Resource Name in the form of IAM and STS, which has no region:
// arn:PARTITION:SERVICE::ACCOUNT:RESOURCE.
type ARN struct{ Partition, Service, Account, Resource string }

// ParseARN reads an ARN whose account is twelve digits.
func ParseARN(s string) (ARN, bool) {
	a, ok := splitARN(s)
	if !ok || !IsAccountID(a.Account) {
		return ARN{}, false
	}
	return a, true
}

// splitARN accepts any account, because AWS's own policies have "aws" there.
func splitARN(s string) (ARN, bool) {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[3] != "" || f[5] == "" ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ARN{}, false
	}
	return ARN{Partition: f[1], Service: f[2], Account: f[4], Resource: f[5]}, true
}

// String is the ARN as AWS writes it; "" for the zero value.
func (a ARN) String() string {
	if a == (ARN{}) {
		return ""
	}
	return strings.Join([]string{"arn", a.Partition, a.Service, "", a.Account, a.Resource}, ":")
}

// Name is the last part of the resource: the name of an IAM user without its path,
// or the session name of an assumed role.
func (a ARN) Name() string { return a.Resource[strings.LastIndexByte(a.Resource, '/')+1:] }

// UserName is the name of the IAM user, or "" if the ARN is not a user's.
func (a ARN) UserName() string {
	if !a.isIAM("user") {
		return ""
	}
	return a.Name()
}

// IsRoot reports whether the ARN is a root user's.
func (a ARN) IsRoot() bool { return a.Service == "iam" && a.Resource == "root" }

// MFADevice is the serial of a virtual MFA device with that name, in the same
// account.
func (a ARN) MFADevice(name string) string {
	return ARN{Partition: a.Partition, Service: "iam", Account: a.Account, Resource: "mfa/" + name}.String()
}

// LikelyMFASerial is the serial that the console suggests for the first virtual MFA
// device of a user; "" if the ARN is neither a user's nor a root user's.
func (a ARN) LikelyMFASerial() string {
	switch {
	case a.IsRoot():
		return a.MFADevice("root-account-mfa-device")
	case a.UserName() != "":
		return a.MFADevice(a.UserName()) // devices have no path
	}
	return ""
}

// IsSecurityKey reports whether the ARN is a FIDO device's.
func (a ARN) IsSecurityKey() bool { return a.isIAM(securityKey) }

// isIAM reports whether the ARN names an IAM resource of a type, such as "role".
func (a ARN) isIAM(kind string) bool {
	return a.Service == "iam" && strings.HasPrefix(a.Resource, kind+"/") && !strings.HasSuffix(a.Resource, "/")
}

// isForeignARN is for the role ARNs of other servers, which have no account (Ceph's
// arn:aws:iam:::role/NAME), a field less (SeaweedFS) or any text (MinIO).
func isForeignARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && len(s) <= 2048 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// ShortSerial is an MFA serial as people are shown it: mfa/jo for an ARN, and the
// number of a hardware device as it is.
func ShortSerial(serial string) string { return serial[strings.LastIndexByte(serial, ':')+1:] }
