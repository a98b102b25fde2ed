package ststest

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
)

// A service is one of AWS's services. Its name is in the signature's scope, its
// version in each call, its namespace in each answer.
type service struct {
	name, version, namespace string
	// global services are called only in the partition's home region.
	global bool
}

var stsAPI = service{name: "sts", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}

// An action checks whether the caller may call it, then runs. Without a check it needs no
// signature.
type action struct {
	service service
	name    string
	allow   func(caller) error
	run     func(*request) (result any, err error)
}

// actions is the table of all calls.
var actions = []action{
	{stsAPI, "GetCallerIdentity", anyone, (*request).getCallerIdentity},
	{stsAPI, "GetSessionToken", keysOnly, (*request).getSessionToken},
	{stsAPI, "AssumeRole", notRoot, (*request).assumeRole},
	{stsAPI, "AssumeRoleWithWebIdentity", nil, (*request).assumeRoleWithWebIdentity},
	// ListThings does not exist in AWS: it stands for a call whose permission needs MFA.
	{stsAPI, "ListThings", mfaOnly, (*request).listThings},

	{iamAPI, "CreateVirtualMFADevice", anyone, (*request).createVirtualMFADevice},
	{iamAPI, "EnableMFADevice", anyone, (*request).enableMFADevice},
	{iamAPI, "ListMFADevices", anyone, (*request).listMFADevices},
	{iamAPI, "DeactivateMFADevice", anyone, (*request).deactivateMFADevice},
	{iamAPI, "DeleteVirtualMFADevice", anyone, (*request).deleteVirtualMFADevice},
	{iamAPI, "CreateAccessKey", anyone, (*request).createAccessKey},
	{iamAPI, "ListAccessKeys", anyone, (*request).listAccessKeys},
	{iamAPI, "UpdateAccessKey", anyone, (*request).updateAccessKey},
	{iamAPI, "DeleteAccessKey", anyone, (*request).deleteAccessKey},
	{iamAPI, "GetAccessKeyLastUsed", anyone, (*request).getAccessKeyLastUsed},
}

func anyone(caller) error { return nil }

func keysOnly(c caller) error {
	if c.session {
		return denied("Cannot call GetSessionToken with session credentials")
	}
	return nil
}

func notRoot(c caller) error {
	if c.root() {
		return denied("Roles may not be assumed by root accounts.")
	}
	return nil
}

func mfaOnly(c caller) error {
	if c.mfa.IsZero() {
		return denied("User: %s is not authorized to perform: sts:ListThings with an explicit deny in an identity-based policy", c.arn)
	}
	return nil
}

type callerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

func (q *request) getCallerIdentity() (any, error) {
	return callerIdentity{q.caller.arn, q.caller.userID, q.caller.account()}, nil
}

type things struct {
	Things []string `xml:"Things>member"`
}

func (q *request) listThings() (any, error) { return things{[]string{"one", "two"}}, nil }

// sessionResult shows credentials as AWS does.
type sessionResult creds.Session

func (s sessionResult) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}{s.ID, s.Secret.Reveal(), s.Token.Reveal(), s.Expires.Format(time.RFC3339)}, start)
}

// session makes credentials for c that live for d seconds, or as a test demands.
func (q *request) session(c caller, d int) sessionResult {
	life := time.Duration(d) * time.Second
	if q.life != 0 {
		life = q.life
	}
	return sessionResult(q.world.session(c, q.now.Truncate(time.Second).Add(life)))
}

// GetSessionToken's lifetimes, in seconds. Root's are capped without an error:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
const (
	minSession        = 900
	maxSessionToken   = 129600
	defSessionToken   = 43200
	maxSessionForRoot = 3600
)

type sessionTokenResult struct{ Credentials sessionResult }

func (q *request) getSessionToken() (any, error) {
	var v validation
	seconds := v.seconds(q.form, defSessionToken, maxSessionToken)
	v.mfa(q.form)
	if err := v.err(); err != nil {
		return nil, err
	}
	if q.caller.root() {
		seconds = min(seconds, maxSessionForRoot)
	}
	c := q.caller
	code, err := q.mfaCode()
	if err != nil {
		return nil, err
	}
	if code {
		c.mfa = q.now
	}
	c.key = q.key
	return sessionTokenResult{q.session(c, seconds)}, nil
}

// mfaCode uses up the code of the call, and reports whether there was one. A device
// serves only its user: the user's keys, and sessions of GetSessionToken.
func (q *request) mfaCode() (bool, error) {
	serial, code := q.form.Get("SerialNumber"), q.form.Get("TokenCode")
	if serial == "" && code == "" {
		return false, nil
	}
	if serial == "" || code == "" {
		return false, denied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	}
	d := q.world.devices[serial]
	if d == nil || d.owner != q.caller.user {
		// AWS writes two blanks before "Please", and one at the end of the text below.
		return false, denied("MultiFactorAuthentication failed, unable to validate MFA code.  " +
			"Please verify your MFA serial number is valid and associated with this user.")
	}
	if !d.use(code, q.now) {
		return false, denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	return true, nil
}

// AssumeRole's lifetimes, in seconds.
const (
	maxRole     = 43200
	defRole     = 3600
	maxChaining = 3600 // with a session's credentials
)

type assumeRoleResult struct {
	SourceIdentity  string `xml:",omitempty"`
	AssumedRoleUser assumedRoleUser
	Credentials     sessionResult
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

func (q *request) assumeRole() (any, error) {
	in, err := readAssumeRole(q.form)
	if err != nil {
		return nil, err
	}
	if err := in.inherit(q.caller); err != nil {
		return nil, err
	}
	role, ok := q.world.roles[in.role]
	// AWS uses up the code before it evaluates the role's policy.
	code, err := q.mfaCode()
	if err != nil {
		return nil, err
	}
	mfa := q.caller.mfa
	if code {
		mfa = q.now
	}
	if !ok || !role.trusts(q.caller, in, mfa, q.now) {
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", q.caller.arn, in.role)
	}
	switch {
	case in.seconds > int(role.MaxSession/time.Second):
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case q.caller.session && in.seconds > maxChaining:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	c := role.session(q.caller, in)
	return assumeRoleResult{
		SourceIdentity:  c.sourceIdentity,
		AssumedRoleUser: assumedRoleUser{c.userID, c.arn},
		Credentials:     q.session(c, in.seconds),
	}, nil
}

// trusts evaluates the role's trust policy; mfa is when the caller proved a
// second factor, zero if not.
func (r Role) trusts(c caller, in assumeRoleInput, mfa, now time.Time) bool {
	var named bool
	for _, p := range r.Principals {
		everybody := arnPart(p, resourcePart) == "root" && arnPart(p, accountPart) == c.account()
		named = named || everybody || p == c.arn || p == c.role
	}
	for key, value := range r.Tags {
		if in.tags[key] != value {
			return false
		}
	}
	return named &&
		(!r.MFA || !mfa.IsZero()) &&
		(r.MaxMFAAge == 0 || !mfa.IsZero() && now.Sub(mfa) <= r.MaxMFAAge) &&
		(r.ExternalID == "" || r.ExternalID == in.externalID) &&
		(!r.SessionNameIsUser || c.name() != "" && in.sessionName == c.name()) &&
		(r.SourceIdentity == "" || r.SourceIdentity == in.sourceIdentity)
}

// session is the caller that c becomes: without MFA, because AWS puts no MFA context
// into a role's credentials.
func (r Role) session(c caller, in assumeRoleInput) caller {
	tags := make(map[string]string)
	maps.Copy(tags, c.tags)
	for key, value := range in.tags {
		if slices.ContainsFunc(in.transitive, func(t string) bool { return strings.EqualFold(t, key) }) {
			tags[key] = value
		}
	}
	name := r.ARN[strings.LastIndexByte(r.ARN, '/')+1:] // a session's ARN has no path
	return caller{
		arn: "arn:" + arnPart(r.ARN, partitionPart) + ":sts::" + arnPart(r.ARN, accountPart) +
			":assumed-role/" + name + "/" + in.sessionName,
		userID:         uniqueID("AROA", r.ARN) + ":" + in.sessionName,
		role:           r.ARN,
		sourceIdentity: in.sourceIdentity,
		tags:           tags,
	}
}
