package plan

import "strings"

type arn struct{ partition, service, account, resource string }

// parseARN takes IAM's form, arn:PARTITION:SERVICE::ACCOUNT:RESOURCE, which has
// no region.
func parseARN(s string) (arn, bool) {
	a, ok := splitARN(s)
	if !ok || !isAccountID(a.account) {
		return arn{}, false
	}
	return a, true
}

// splitARN takes anything for the account: that of AWS's own policies is "aws".
func splitARN(s string) (arn, bool) {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[3] != "" || f[5] == "" ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return arn{}, false
	}
	return arn{partition: f[1], service: f[2], account: f[4], resource: f[5]}, true
}

// iam reports whether it names one of IAM's things of a type, such as "role".
func (a arn) iam(thing string) bool {
	return a.service == "iam" && strings.HasPrefix(a.resource, thing+"/") && !strings.HasSuffix(a.resource, "/")
}
