package ststest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"

	"fob/internal/creds"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// A User is an IAM user, or the root user of an account.
type User struct {
	// ARN is arn:aws:iam::ACCOUNT:user/NAME, or arn:aws:iam::ACCOUNT:root.
	ARN  string
	Keys []creds.Key
	MFA  []Device
}

// A Device is a user's MFA device.
type Device struct {
	// Serial is the device's ARN.
	Serial string
	// Seed makes its codes. Algorithm, Digits and Period default to SHA1, 6 and
	// 30 s; a test that must not wait for the next code sets a short Period.
	Seed creds.Seed
}

// A Role is an IAM role; all but the first two fields and MaxSession are
// conditions of its trust policy, and absent if zero.
type Role struct {
	// ARN is arn:aws:iam::ACCOUNT:role/NAME.
	ARN string
	// Principals may assume it: ARNs of users, roles and sessions of roles;
	// arn:aws:iam::ACCOUNT:root is everybody in the account.
	Principals []string
	// MFA requires aws:MultiFactorAuthPresent: an MFA session, or a code in the call.
	MFA bool
	// MaxMFAAge is the most aws:MultiFactorAuthAge may be.
	MaxMFAAge time.Duration
	// ExternalID is sts:ExternalId.
	ExternalID string
	// SessionNameIsUser requires sts:RoleSessionName = ${aws:username}.
	SessionNameIsUser bool
	// SourceIdentity is sts:SourceIdentity.
	SourceIdentity string
	// Tags are aws:RequestTag/KEY = VALUE, all of them.
	Tags map[string]string
	// MaxSession is the role's MaxSessionDuration; 1 h if zero, as in AWS.
	MaxSession time.Duration
	// Web is who may assume it with a token and no credentials.
	Web Trust
}

// world holds all users, roles and credentials. It needs the server's lock.
type world struct {
	credentials map[string]*credential      // by access key ID
	devices     map[string]*device          // by serial
	roles       map[string]Role             // by ARN
	policy      map[string]denial           // by action, or by action and name
	issuers     map[string]*issuer          // by URL
	parameters  map[string]*storedParameter // by ARN
	secrets     map[string]*storedSecret    // by ARN
	secretPage  int                         // see PageSecrets
	period      time.Duration               // of devices that are created; 0 is 30 s
	delay       int                         // see DelayKeys
	hide        int                         // see HideKeys
	lagUses     bool                        // calls are not counted among the uses of keys
	endWithKey  bool
	names       []string // of the next keys, see NameKeys
	created     []string // secrets, see CreatedSecrets
}

func newWorld() world {
	return world{
		credentials: make(map[string]*credential), devices: make(map[string]*device),
		roles: make(map[string]Role), policy: make(map[string]denial), issuers: make(map[string]*issuer),
		parameters: make(map[string]*storedParameter), secrets: make(map[string]*storedSecret),
	}
}

// A credential is a key or a session.
type credential struct {
	creds.Session
	inactive bool
	caller   caller
	// What IAM says of a key, how many calls it is unknown for, and in how many lists it is
	// missing.
	created               time.Time
	used                  use
	unknownFor, hiddenFor int
}

// A caller is the identity behind a credential.
type caller struct {
	arn    string // as GetCallerIdentity says it
	userID string
	user   string // ARN of the user; empty for a role's session
	role   string // ARN of the role; empty for a user
	// session is set for GetSessionToken's and AssumeRole's credentials.
	session bool
	// key is the ID of the key that a session of GetSessionToken was made with.
	key string
	// mfa is when the session's MFA code was given; zero if it was made without.
	mfa time.Time
	// sourceIdentity and tags (the transitive ones) are inherited down a chain of roles.
	sourceIdentity string
	tags           map[string]string
}

func (c caller) account() string { return arnPart(c.arn, accountPart) }
func (c caller) root() bool      { return arnPart(c.user, resourcePart) == "root" }

// name is ${aws:username}: empty for root and for roles.
func (c caller) name() string {
	if c.root() {
		return ""
	}
	return c.user[strings.LastIndexByte(c.user, '/')+1:]
}

type device struct {
	Device
	owner string         // the user's ARN; empty for one that is not enabled
	since time.Time      // when it was enabled, if IAM did
	used  map[int64]bool // steps whose code was accepted
}

// AddUser adds or replaces a user, its keys and devices. An ARN that does not have
// the described form, or a seed that makes no codes, is an error.
func (s *Server) AddUser(u User) error {
	resource := arnPart(u.ARN, resourcePart)
	if resource != "root" && !strings.HasPrefix(resource, "user/") {
		return fmt.Errorf("%q is not the ARN of a user", u.ARN)
	}
	c := caller{arn: u.ARN, user: u.ARN, userID: uniqueID("AIDA", u.ARN)}
	if c.root() {
		c.userID = c.account()
	}
	devices := make(map[string]*device)
	for _, d := range u.MFA {
		devices[d.Serial] = &device{Device: d.withDefaults(), owner: u.ARN, used: make(map[int64]bool)}
		if devices[d.Serial].code(0) == "" {
			return fmt.Errorf("the seed of %q makes no codes", d.Serial)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.world.devices, devices)
	for _, k := range u.Keys {
		s.world.credentials[k.ID] = &credential{Session: creds.Session{Key: k}, caller: c, created: s.now().Truncate(time.Second)}
	}
	return nil
}

// AddRole adds or replaces a role. An ARN that is not a role's is an error.
func (s *Server) AddRole(r Role) error {
	if !strings.HasPrefix(arnPart(r.ARN, resourcePart), "role/") {
		return fmt.Errorf("%q is not the ARN of a role", r.ARN)
	}
	if r.MaxSession == 0 {
		r.MaxSession = time.Hour
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.roles[r.ARN] = r
	return nil
}

// DeleteKey makes a key or a session unknown; like AWS, it leaves alone the
// sessions that were made with a key.
func (s *Server) DeleteKey(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.world.credentials, id)
}

// DeactivateKey makes a key inactive; it ignores an unknown key.
func (s *Server) DeactivateKey(id string) { s.setInactive(id, true) }

// ActivateKey undoes DeactivateKey.
func (s *Server) ActivateKey(id string) { s.setInactive(id, false) }

func (s *Server) setInactive(id string, inactive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.world.credentials[id]; c != nil {
		c.inactive = inactive
	}
}

// AgeSessions makes every live session, and its MFA code, d older without
// moving the clock: the expiration that its holder knows is then wrong.
func (s *Server) AgeSessions(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.world.credentials {
		if !c.caller.session {
			continue
		}
		c.Expires = c.Expires.Add(-d)
		if !c.caller.mfa.IsZero() {
			c.caller.mfa = c.caller.mfa.Add(-d)
		}
	}
}

// Step is the step a device is in now, counted from 1970; 0 if the serial is unknown.
func (s *Server) Step(serial string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.world.devices[serial]; d != nil {
		return d.step(s.now())
	}
	return 0
}

// Code returns a code that AWS accepts now, and for as long as a slow test takes to
// send it: the current step's, or if that is used the next one's or the last one's.
// It waits for the next step where the last one's is about to end. It is empty if
// all are used or the serial is unknown.
func (s *Server) Code(serial string) string {
	for {
		code, wait := s.codeNow(serial)
		if wait == 0 {
			return code
		}
		time.Sleep(wait)
	}
}

// slowest is how long a test may take to send a code.
const slowest = 10 * time.Second

// codeNow returns a code, or how long to wait for a better one.
func (s *Server) codeNow(serial string) (code string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.world.devices[serial]
	if d == nil {
		return "", 0
	}
	now := s.now()
	left := d.Seed.Period - time.Duration(now.UnixNano()%int64(d.Seed.Period)) // of the current step
	for _, step := range d.accepted(now) {
		switch {
		case d.used[step]:
		case step < d.step(now) && left < min(d.Seed.Period/3, slowest):
			return "", left
		default:
			return d.code(step), 0
		}
	}
	return "", 0
}

// CodeAt returns the code of a step, used or not; empty if the serial is unknown.
func (s *Server) CodeAt(serial string, step int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.world.devices[serial]; d != nil {
		return d.code(step)
	}
	return ""
}

func (d Device) withDefaults() Device {
	if d.Seed.Algorithm == "" {
		d.Seed.Algorithm = "SHA1"
	}
	if d.Seed.Digits == 0 {
		d.Seed.Digits = 6
	}
	if d.Seed.Period == 0 {
		d.Seed.Period = 30 * time.Second
	}
	return d
}

func (d *device) step(now time.Time) int64 { return now.UnixNano() / int64(d.Seed.Period) }

// accepted lists the steps whose codes are valid: AWS accepts one on either side.
func (d *device) accepted(now time.Time) []int64 {
	step := d.step(now)
	return []int64{step, step + 1, step - 1}
}

// code returns an empty code if the seed cannot make one; AddUser rejects such seeds.
func (d *device) code(step int64) string {
	opts := hotp.ValidateOpts{Digits: otp.Digits(d.Seed.Digits)}
	switch d.Seed.Algorithm {
	case "SHA1":
		opts.Algorithm = otp.AlgorithmSHA1
	case "SHA256":
		opts.Algorithm = otp.AlgorithmSHA256
	case "SHA512":
		opts.Algorithm = otp.AlgorithmSHA512
	default:
		return ""
	}
	code, err := hotp.GenerateCodeCustom(d.Seed.Secret.Reveal(), uint64(step), opts)
	if err != nil {
		return ""
	}
	return code
}

// use accepts each code once.
func (d *device) use(code string, now time.Time) bool {
	for _, step := range d.accepted(now) {
		if code == d.code(step) && !d.used[step] {
			d.used[step] = true
			return true
		}
	}
	return false
}

// session makes and keeps credentials for c that live until expires.
func (w *world) session(c caller, expires time.Time) creds.Session {
	c.session = true
	s := creds.Session{
		Key: creds.Key{
			ID:     keyID("ASIA", c.account()),
			Secret: creds.NewSecret(randomBase64(30)), // 40 characters
		},
		// Like a real token: same prefix and length; base64, so '/', '+' and '=' occur.
		Token:     creds.NewSecret("IQoJb3JpZ2luX2Vj" + randomBase64(400)),
		Expires:   expires,
		AccountID: c.account(),
	}
	w.credentials[s.ID] = &credential{Session: s, caller: c}
	return s
}

func randomBase64(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// uniqueID is what IAM shows for a user (AIDA...) or role (AROA...): the same
// for the same ARN.
func uniqueID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// The parts of arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
const (
	partitionPart = 1
	regionPart    = 3
	accountPart   = 4
	resourcePart  = 5
)

// arnPart returns a part of an ARN, or "" if the text is not an ARN.
func arnPart(arn string, n int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ""
	}
	return parts[n]
}
