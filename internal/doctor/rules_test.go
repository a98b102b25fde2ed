package doctor

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fob/internal/awsconfig"
)

// listed are the differences between fob and the SDKs that are meant. A row applies by
// what the files say, which expect decides; it then also says what fob does instead.
// With is the SDK that fob still agrees with, if any.
var listed = []struct{ name, with, why string }{
	// Which credentials count.
	{"the role of a source with its own key", "cli", "AWS's rules use such a profile as it is; the Go SDK assumes its role first"},
	{"a role with two sources", "go", "two identities in one section; the AWS CLI lets web identity win"},
	{"a process beside a role's source", "cli", "the source is named for the role; the Go SDK refuses"},
	{"a role on the section's own credentials", "go", "what the section says is clear; the AWS CLI wants a source_profile"},
	{"a role with nothing to start from", "cli", "fob never takes the role of the machine; the Go SDK does"},
	{"a static key beside credential_source", "cli", "the source is named for the role; the Go SDK takes the key"},
	{"a static key beside web identity", "cli", "the same"},
	{"a source without a role", "cli", "the section's own credentials count; the Go SDK refuses"},
	{"a source's identity without a role", "", "what aws-vault does; the SDKs refuse, or go on to the machine's role"},
	{"a static key before other sources", "go", "plain-text keys as in the Go SDK; the AWS CLI looks at sign-ins, and for the config file's keys at processes, first"},
	{"an SSO profile without account and role", "go", "any of the five keys makes it one; the AWS CLI goes on to the next source"},
	{"an account or role in the sso-session", "cli", "as in the AWS CLI; the Go SDK looks for both in the profile"},
	{"a role on a source profile's console sign-in", "cli", "the Go SDK does not know that such a profile has credentials"},
	{"a token from a program", "", "which is aws-vault's"},
	{"an sso_session that does not exist, beside another source", "cli", "the Go SDK refuses what it does not need"},
	{"a loop", "cli", "the Go SDK lets a loop end at a profile with credentials"},
	{"half of a key", "", "fob refuses it where it is used; the AWS CLI ignores a lone secret, the Go SDK refuses the section"},
	{"aws_security_token", "cli", "the Go SDK does not know it, and would use the key without its token"},
	{"a token without its key", "cli", "the Go SDK adds the token of the config file to the key of the credentials file"},
	{"a setting that the Go SDK refuses", "cli", "it has nothing to do with credentials"},
	{"services that do not exist", "", "they may have named an endpoint; the AWS CLI refuses, too, when it makes a client"},
	{"a value that AWS would refuse", "", "fob says so before a code is spent; nor does it take a relative path of a token, or a portal without https"},
	// What is asked of AWS.
	{"MFA", "", "once, at the start, with GetSessionToken; the SDKs ask for a code for each role"},
	{"no duration", "", "AWS's default, 1h; the Go SDK asks for 15m"},
	{"a duration in words", "", "fob accepts 1h; the SDKs ignore it"},
	{"the duration of a web identity", "", "the SDKs ignore it there, and AWS makes that 1h"},
	{"a duration out of bounds", "", "fob caps it to what AWS allows"},
	// How lines are read.
	{"a file with a mistake", "", "what the SDKs skip could move lines to another profile"},
	{"a section that cannot be read", "", "its profile is refused, or has only what the other file says, as for the AWS CLI"},
	{"a profile named DEFAULT", "cli", "the Go SDK takes a section [DEFAULT] for it"},
	{"a header that the Go SDK skips", "cli", "with text after it, or # in the name: it gives the lines below to the section above"},
	{"a line that is different for the AWS CLI", "go", "fob reads as the Go SDK does"},
	{"an empty value", "go", "it is no value; for the AWS CLI it counts"},
	{"a line that continues the one above", "cli", "an indented line with a = in it; the Go SDK makes it a key"},
	{"quotes and a comment in an indented line", "", "the Go SDK keeps the quotes only there"},
	{"one quote as a value", "", "the Go SDK crashes"},
	{"a byte order mark or quotes around a name", "", "the Go SDK loses the section, or makes the quotes part of the name"},
	{"keys of fob's own", "", "fob_, include_profile"},
}

// expectation is what fob is to do with a profile.
type expectation struct {
	chain
	serial  string
	seconds []int
	rows    map[string]bool
}

func (e *expectation) row(name string) { e.rows[name] = true }

// with reports whether all rows that apply leave fob in agreement with an SDK.
func (e *expectation) with(sdk string) bool {
	for _, l := range listed {
		if e.rows[l.name] && l.with != sdk {
			return false
		}
	}
	return true
}

// rules says once more, and by itself, how fob gets the credentials of a profile.
type rules struct {
	*awsconfig.Config
	*expectation
	path []section // from the profile that was asked for
	last string    // the name of the last one, which has the source
}

func expect(c *awsconfig.Config, profile string) *expectation {
	r := rules{c, &expectation{rows: map[string]bool{}}, nil, ""}
	r.chain = r.walk(profile, awsconfig.Value{}, nil)
	if r.refused == "" && r.steps == nil {
		r.steps = []step{{"none", []awsconfig.Value{{}}}}
	}
	if r.refused == "" && !slices.Contains([]string{"none", "container", "imds"}, r.steps[0].kind) {
		r.finish(profile)
	}
	r.lines(c)
	if profile == "DEFAULT" {
		r.row("a profile named DEFAULT")
	}
	return r.expectation
}

// section merges both files; a static key comes whole from one of them.
func (r *rules) section(name string) (section, bool) {
	config, inConfig := r.InFile(false, name)
	credentials, inCredentials := r.InFile(true, name)
	s, more := read(config), read(credentials)
	for _, f := range []section{s, more} {
		if f.half() != (awsconfig.Value{}) {
			r.row("half of a key")
		}
		if f.text("aws_security_token") != "" {
			r.row("aws_security_token")
		}
	}
	drop := more
	if more.hasStatic() {
		if s.text("aws_session_token") != "" && more.text("aws_session_token") == "" {
			r.row("a token without its key")
		}
		drop = s
	}
	for _, key := range keys[:4] {
		delete(drop, key)
	}
	for key, v := range more {
		s[key] = v
	}
	if s.unusable() != (awsconfig.Value{}) {
		r.row("a setting that the Go SDK refuses")
	}
	if name := s.text("sso_session"); name != "" {
		if _, ok := r.Section("sso-session", name); !ok {
			r.row("an sso_session that does not exist, beside another source")
			if slices.ContainsFunc(r.Unreadable(), func(u awsconfig.Unreadable) bool { return u.MeansSession(name) }) {
				r.row("a section that cannot be read")
			}
		}
	}
	for key, v := range s { // an empty value counts as absent
		if v.Text == "" {
			r.row("an empty value")
			delete(s, key)
		}
	}
	return s, inConfig || inCredentials
}

func (r *rules) walk(name string, at awsconfig.Value, above []string) chain {
	if slices.Contains(above, name) {
		r.row("a loop")
		return refuse(at, "a loop")
	}
	if r.Spoiled(name) != nil {
		r.row("a section that cannot be read")
		return refuse(at, "it cannot be read")
	}
	s, ok := r.section(name)
	if slices.ContainsFunc(r.Unreadable(), func(u awsconfig.Unreadable) bool { return !ok || u.Means(name) }) {
		r.row("a section that cannot be read")
	}
	if !ok {
		return refuse(at, "there is no profile %q", name)
	}
	r.path, r.last = append(r.path, s), name
	first := above == nil
	assumes := s.has("role_arn") && (first || !s.hasStatic())
	if s.has("role_arn") && !assumes {
		r.row("the role of a source with its own key")
	}
	var named []string
	for _, key := range []string{"source_profile", "credential_source", "web_identity_token_file", "web_identity_token_process"} {
		if s.has("web_identity_token_process") {
			r.row("a token from a program")
		}
		if s.has(key) {
			named = append(named, key)
		}
	}
	if !assumes {
		return r.withoutRole(s, named, append(above, name))
	}
	var c chain
	switch {
	case len(named) > 1:
		r.row("a role with two sources")
		return refuse(s[named[1]], "two sources")
	case len(named) == 0:
		if c = r.own(s); c.refused == "" && c.steps == nil {
			r.row("a role with nothing to start from")
			return refuse(s["role_arn"], "no source")
		}
		r.row("a role on the section's own credentials")
	case named[0] == "source_profile" && s.text("source_profile") == name && s.hasStatic():
		c = r.own(s)
	case named[0] == "source_profile":
		if c = r.walk(s.text("source_profile"), s["source_profile"], append(above, name)); c.refused == "" && c.steps == nil {
			return refuse(s["source_profile"], "it has nothing")
		}
	case named[0] == "credential_source":
		if s.hasStatic() {
			r.row("a static key beside credential_source")
		}
		kind, ok := sources[s.text("credential_source")]
		if !ok {
			return refuse(s["credential_source"], "unknown")
		}
		c.steps = []step{{kind, s.values("credential_source")}}
	default:
		if s.hasStatic() {
			r.row("a static key beside web identity")
		}
		web := s.webIdentity()
		if s.has("web_identity_token_process") {
			web[0] = step{"web-process", s.values("web_identity_token_process")}
		}
		return chain{steps: web}
	}
	if len(named) == 1 && s.has("credential_process") {
		r.row("a process beside a role's source")
	}
	if c.refused == "" {
		if c.steps[0].kind == "login" && len(named) > 0 {
			r.row("a role on a source profile's console sign-in")
		}
		c.steps = append(c.steps, s.role())
	}
	return c
}

func (r *rules) withoutRole(s section, named []string, above []string) chain {
	if !s.has("role_arn") && len(named) > 0 {
		r.row("a source without a role")
		for _, key := range []string{"web_identity_token_file", "web_identity_token_process"} {
			if s.has(key) {
				return refuse(s[key], "no role")
			}
		}
	}
	c := r.own(s)
	if c.refused == "" && c.steps == nil && s.has("source_profile") {
		r.row("a source's identity without a role")
		if s.has("credential_source") {
			return refuse(s["credential_source"], "two sources")
		}
		if c = r.walk(s.text("source_profile"), s["source_profile"], above); c.refused == "" && c.steps == nil {
			return refuse(s["source_profile"], "it has nothing")
		}
	}
	return c
}

// own is what a section has without its role and its source.
func (r *rules) own(s section) chain {
	switch {
	case s.hasStatic():
		if s.hasSSO() || s.has("login_session") || s.has("credential_process") || s.has("web_identity_token_file") {
			r.row("a static key before other sources")
		}
		if v := s.half(); v != (awsconfig.Value{}) {
			r.row("half of a key")
			return refuse(v, "half of a key")
		}
		token := s["aws_session_token"]
		if token.Text == "" {
			token = s["aws_security_token"]
		}
		return chain{steps: []step{{"key", append(s.values("aws_access_key_id", "aws_secret_access_key"), token)}}}
	case s.hasSSO():
		return r.sso(s)
	case s.has("login_session"):
		return chain{steps: []step{{"login", s.values("login_session")}}}
	case s.has("credential_process"):
		return chain{steps: []step{{"process", s.values("credential_process")}}}
	}
	return chain{}
}

// sso is a section with any of Identity Center's keys.
func (r *rules) sso(s section) chain {
	at := cmp.Or(s["sso_session"], s["sso_start_url"], s["sso_region"], s["sso_account_id"], s["sso_role_name"])
	if !s.has("sso_account_id") && !s.has("sso_role_name") {
		r.row("an SSO profile without account and role")
	}
	if s.has("sso_session") {
		session, ok := r.Section("sso-session", s.text("sso_session"))
		if !ok {
			return refuse(at, "no sso-session")
		}
		for key, v := range read(session) {
			if v.Text == "" {
				r.row("an empty value")
				continue
			}
			if key == "sso_account_id" || key == "sso_role_name" {
				r.row("an account or role in the sso-session")
			}
			if s.has(key) && s.text(key) != v.Text {
				return refuse(s[key], "another value than in the sso-session")
			}
			s[key] = v
		}
		if with := read(session); with.text("sso_start_url") == "" || with.text("sso_region") == "" {
			return refuse(at, "half of an sso-session")
		}
	}
	for _, key := range []string{"sso_start_url", "sso_region", "sso_account_id", "sso_role_name"} {
		if !s.has(key) {
			return refuse(at, "no %s", key)
		}
	}
	return chain{steps: []step{s.signIn()}}
}

var (
	userARN     = regexp.MustCompile(`^arn:aws:(iam::\d{12}:user/|sts::\d{12}:assumed-role/)[!-~]+$`)
	portalURL   = regexp.MustCompile(`^https://[!-~]+$`)
	roleName    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	accountID   = regexp.MustCompile(`^\d{12}$`)
	roleARN     = regexp.MustCompile(`^arn:[!-~]+:iam::\d{12}:role/[!-~]*[!-.0-~]$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,999}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	mfaSerial   = regexp.MustCompile(`^(arn:[a-z-]+:iam::\d{12}:mfa/[\w+=,.@/-]*[\w+=,.@-]|[\w+=/,.@-]{9,256})$`)
	regionName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
)

// finish adds the MFA device and the durations, and refuses what AWS would.
func (r *rules) finish(profile string) {
	p, _ := r.Profile(profile)
	bad := func(v awsconfig.Value) {
		r.row("a value that AWS would refuse")
		if r.refused == "" {
			r.chain = refuse(v, "AWS would refuse it")
		}
	}
	if v, _ := p.Own("region"); v.Text != "" && !regionName.MatchString(v.Text) {
		bad(v)
	}
	if v, _ := p.Own("services"); v.Text != "" {
		local, ok := r.Section("services", v.Text)
		if !ok {
			r.row("services that do not exist")
			r.chain = refuse(v, "no such section")
		}
		if address, _ := local.Sub("sts", "endpoint_url"); strings.Contains(address.Text, " ") {
			bad(address) // a comment is part of a nested value
		}
	}
	source := step{}
	if r.refused == "" {
		source = r.steps[0]
	}
	switch source.kind {
	case "sso":
		if !accountID.MatchString(source.values[0].Text) || !roleName.MatchString(source.values[1].Text) ||
			!portalURL.MatchString(source.values[3].Text) || !regionName.MatchString(source.values[4].Text) {
			bad(source.values[0])
		}
		region, _ := p.Own("region")
		if strings.HasPrefix(source.values[4].Text, "us-gov-") && (region.Text != "" || len(r.steps) > 1) {
			bad(source.values[4]) // the region and the roles are of another partition
		}
	case "web":
		if !strings.HasPrefix(source.values[0].Text, "/") {
			bad(source.values[0])
		}
	case "login":
		if !userARN.MatchString(source.values[0].Text) {
			bad(source.values[0])
		}
		in, _ := r.Profile(r.last) // it is renewed there
		if v, _ := in.Own("region"); v.Text != "" && !regionName.MatchString(v.Text) {
			bad(v)
		}
	}
	longLived := source.kind == "environment" || source.kind == "key" && source.values[2].Text == ""
	for _, s := range r.path {
		if v := s["mfa_serial"]; v.Text != "" {
			r.row("MFA")
			if longLived && v.Text != "none" {
				r.serial = v.Text
				if !mfaSerial.MatchString(v.Text) {
					bad(v)
				}
			}
			break
		}
	}
	var roles []section // in the order of assuming
	for i, s := range slices.Backward(r.path) {
		if s.has("role_arn") && (i == 0 || !s.hasStatic()) {
			roles = append(roles, s)
		}
	}
	withToken := source.kind == "web" || source.kind == "web-process"
	for i, s := range roles {
		for key, valid := range map[string]*regexp.Regexp{"role_arn": roleARN, "external_id": externalID, "role_session_name": sessionName} {
			if v, ok := s[key]; ok && !valid.MatchString(v.Text) {
				bad(v)
			}
		}
		limit := 3600
		if longLived && len(roles) == 1 || withToken && i == 0 {
			limit = 12 * 3600
		}
		if withToken && i == 0 && s.has("duration_seconds") {
			r.row("the duration of a web identity")
		}
		seconds, err := strconv.Atoi(s.text("duration_seconds"))
		switch {
		case s.text("duration_seconds") == "":
			r.row("no duration")
			seconds = 3600
		case s.text("duration_seconds") == "1h":
			r.row("a duration in words")
			seconds = 3600
		case err != nil:
			bad(s["duration_seconds"])
		case seconds > limit || seconds < 960:
			r.row("a duration out of bounds")
			seconds = min(max(seconds, 900), limit)
		}
		r.seconds = append(r.seconds, seconds)
	}
}

// quotesKept is a line at the beginning of a section, or below another value, in which
// the Go SDK looks for quotes before it looks for a comment.
var quotesKept = regexp.MustCompile(`(?m)^[ \t]+[^=\n]+=[ \t]*(".*"|'.*')[ \t]+[#;]`)

// lines adds the rows for what is special about the files' lines.
func (e *expectation) lines(c *awsconfig.Config) {
	for _, u := range c.Unreadable() {
		if strings.HasPrefix(u.Problem, "text after") || strings.HasPrefix(u.Problem, `"#" or ";"`) {
			e.row("a header that the Go SDK skips")
		}
	}
	for _, d := range c.Differences() {
		switch d.Kind {
		case awsconfig.Continuation, awsconfig.WhiteSpace:
			e.row("a line that continues the one above")
			e.row("a line that is different for the AWS CLI")
		case awsconfig.LoneQuote:
			e.row("one quote as a value")
		default:
			e.row("a line that is different for the AWS CLI")
		}
	}
}
