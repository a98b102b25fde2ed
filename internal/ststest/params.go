package ststest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// assumeRoleInput is AssumeRole's parameters, each valid by itself.
type assumeRoleInput struct {
	role, sessionName, externalID, sourceIdentity, policy string
	seconds                                               int
	policyARNs, transitive                                []string
	tags                                                  map[string]string
}

// The limits are those of
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func readAssumeRole(form url.Values) (assumeRoleInput, error) {
	var v validation
	in := v.roleSession(form)
	in.externalID = v.text(form, "ExternalId", 2, 1224, "+=,.@:/-")
	in.sourceIdentity = v.text(form, "SourceIdentity", 2, 64, "+=,.@-")
	in.transitive = members(form, "TransitiveTagKeys", "")
	v.mfa(form)
	keys, values := members(form, "Tags", ".Key"), members(form, "Tags", ".Value")
	v.atMost("tags", len(keys), 50)
	v.atMost("transitiveTagKeys", len(in.transitive), 50)
	for i, key := range keys {
		v.length("tags."+strconv.Itoa(i+1)+".member.key", key, 1, 128)
		if i < len(values) {
			v.length("tags."+strconv.Itoa(i+1)+".member.value", values[i], 0, 256)
		}
	}
	if err := v.err(); err != nil {
		return in, err
	}
	return in, in.check(keys, values)
}

// roleSession reads what every way to assume a role has.
func (v *validation) roleSession(form url.Values) assumeRoleInput {
	in := assumeRoleInput{
		role:        v.text(form, "RoleArn", 20, 2048, "*"),
		sessionName: v.text(form, "RoleSessionName", 2, 64, "+=,.@-"),
		policy:      v.text(form, "Policy", 1, 2048, "*"),
		seconds:     v.seconds(form, defRole, maxRole),
		policyARNs:  members(form, "PolicyArns", ".arn"),
	}
	for _, required := range []string{"RoleArn", "RoleSessionName"} {
		if form.Get(required) == "" {
			v.fail("null", required, "Member must not be null")
		}
	}
	for _, arn := range in.policyARNs {
		v.length("policyArns.member.arn", arn, 20, 2048)
	}
	return in
}

// check reports one problem at a time, as AWS does after the constraints above.
func (in *assumeRoleInput) check(keys, values []string) error {
	if !strings.HasPrefix(arnPart(in.role, resourcePart), "role/") {
		return invalid(in.role + " is invalid")
	}
	for _, arn := range in.policyARNs {
		if !strings.HasPrefix(arnPart(arn, resourcePart), "policy/") {
			return invalid("The ARN " + arn + " is invalid")
		}
	}
	if len(in.policyARNs) > 10 {
		return refuse(http.StatusBadRequest, "LimitExceeded", "Cannot exceed quota for PolicyArns: 10")
	}
	var statement struct{ Statement any }
	if in.policy != "" {
		if json.Unmarshal([]byte(in.policy), &statement) != nil {
			return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "The policy is not in the valid JSON format.")
		}
		if statement.Statement == nil {
			return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "Syntax errors in policy.")
		}
	}
	if len(keys) != len(values) {
		return invalid("Every tag needs a key and a value")
	}
	in.tags = make(map[string]string)
	folded := make(map[string]bool)
	for i, key := range keys {
		if folded[strings.ToLower(key)] {
			return refuse(http.StatusBadRequest, "InvalidParameterValue",
				"Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		folded[strings.ToLower(key)] = true
		in.tags[key] = values[i]
	}
	if slices.ContainsFunc(in.transitive, func(key string) bool { return !folded[strings.ToLower(key)] }) {
		return refuse(http.StatusBadRequest, "InvalidParameterValue",
			"The specified transitive tag key must be included in the requested tags.")
	}
	return nil
}

// inherit adds what the caller's session passes down a chain of roles: its source
// identity and its transitive tags. A call may change neither.
func (in *assumeRoleInput) inherit(c caller) error {
	for inherited := range c.tags {
		for key := range in.tags {
			if strings.EqualFold(inherited, key) {
				return refuse(http.StatusBadRequest, "InvalidParameterValue", "One of the specified transitive tag keys can't be set "+
					"because it conflicts with a transitive tag key from the calling session.")
			}
		}
	}
	switch {
	case c.sourceIdentity == "" || in.sourceIdentity == c.sourceIdentity:
	case in.sourceIdentity == "":
		in.sourceIdentity = c.sourceIdentity
	default:
		return denied("User: %s is not authorized to perform: sts:SetSourceIdentity on resource: %s", c.arn, in.role)
	}
	return nil
}

// validation collects broken constraints; AWS reports all of them at once.
type validation struct{ problems []string }

func (v *validation) fail(shown, parameter, constraint string) {
	member := strings.ToLower(parameter[:1]) + parameter[1:]
	v.problems = append(v.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, member, constraint))
}

func (v *validation) err() error {
	switch n := len(v.problems); n {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: " + v.problems[0])
	default:
		return invalid(strconv.Itoa(n) + " validation errors detected: " + strings.Join(v.problems, "; "))
	}
}

// text returns a parameter of ASCII letters, digits, '_' and the marks given,
// or of any characters if marks is "*"; an absent parameter is "" and valid.
func (v *validation) text(form url.Values, parameter string, least, most int, marks string) string {
	value := form.Get(parameter)
	if value == "" {
		return ""
	}
	v.length(parameter, value, least, most)
	foreign := func(r rune) bool {
		word := r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !word && !strings.ContainsRune(marks, r)
	}
	if marks != "*" && strings.ContainsFunc(value, foreign) {
		v.fail("'"+value+"'", parameter, `Member must satisfy regular expression pattern: [\w`+marks+`]*`)
	}
	return value
}

func (v *validation) length(parameter, value string, least, most int) {
	n := utf8.RuneCountInString(value)
	if n < least {
		v.fail("'"+value+"'", parameter, fmt.Sprintf("Member must have length greater than or equal to %d", least))
	}
	if n > most {
		v.fail("'"+value+"'", parameter, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

func (v *validation) atMost(parameter string, n, most int) {
	if n > most {
		v.fail("'["+strconv.Itoa(n)+" members]'", parameter, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

// mfa checks the form of the two MFA parameters. A malformed code comes back in
// the message, as from AWS (aws/aws-cli#4648): fob must not pass it on.
func (v *validation) mfa(form url.Values) {
	v.text(form, "SerialNumber", 9, 256, "+=/:,.@-")
	code := form.Get("TokenCode")
	if code == "" {
		return
	}
	v.length("TokenCode", code, 6, 6)
	if strings.Trim(code, "0123456789") != "" {
		v.fail("'"+code+"'", "TokenCode", `Member must satisfy regular expression pattern: [\d]*`)
	}
}

// seconds returns DurationSeconds, or its default.
func (v *validation) seconds(form url.Values, def, most int) int {
	const parameter = "DurationSeconds"
	value := form.Get(parameter)
	if value == "" {
		return def
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		v.fail("'"+value+"'", parameter, "Member must be an integer")
	case n < minSession:
		v.fail("'"+value+"'", parameter, fmt.Sprintf("Member must have value greater than or equal to %d", minSession))
	case n > most:
		v.fail("'"+value+"'", parameter, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	return n
}

// members reads a list: NAME.member.1FIELD, NAME.member.2FIELD and so on.
func members(form url.Values, name, field string) []string {
	var list []string
	for i := 1; ; i++ {
		values, ok := form[fmt.Sprintf("%s.member.%d%s", name, i, field)]
		if !ok {
			return list
		}
		list = append(list, values[0])
	}
}

func invalid(message string) error {
	return refuse(http.StatusBadRequest, "ValidationError", message)
}
