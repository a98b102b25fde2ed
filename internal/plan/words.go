package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fob/internal/awsconfig"
)

// legalSessionName turns the name of a user into a role session name, and leaves
// one that is legal as it is.
func legalSessionName(name string) string {
	if sessionName.MatchString(name) {
		return name
	}
	var b strings.Builder
	for _, c := range name {
		switch {
		case c < 0x80 && sessionName.MatchString(string(c)+"__"):
			b.WriteRune(c)
		default:
			b.WriteByte('-')
		}
	}
	name = strings.Trim(b.String(), "-")
	switch {
	case name == "":
		return "fob"
	case len(name) == 1:
		return name + "-fob"
	case len(name) > 64:
		return name[:64]
	}
	return name
}

type arn struct{ partition, service, account, resource string }

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// parseARN takes IAM's form, arn:PARTITION:SERVICE::ACCOUNT:RESOURCE, which has
// no region.
func parseARN(s string) (arn, bool) {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[3] != "" || !accountID.MatchString(f[4]) || f[5] == "" ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return arn{}, false
	}
	return arn{partition: f[1], service: f[2], account: f[4], resource: f[5]}, true
}

// iam reports whether it names one of IAM's things of a type, such as "role".
func (a arn) iam(thing string) bool {
	return a.service == "iam" && strings.HasPrefix(a.resource, thing+"/") && !strings.HasSuffix(a.resource, "/")
}

// ParseDuration takes seconds, as the AWS files have them, or Go's 90m, 12h.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration: 30m, 8h or a number of seconds", s)
	}
	return d.Truncate(time.Second), nil
}

// Short prints 1h0m0s as 1h.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// At is "file:line" of a value, or "" for the zero value.
func At(v awsconfig.Value) string {
	if v.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", v.File, v.Line)
}

func where(p awsconfig.Profile) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
