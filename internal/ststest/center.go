package ststest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Instance is an IAM Identity Center: a start URL, and the people who sign in there.
type Instance struct {
	// StartURL is its address, https://d-1234567890.awsapps.com/start for example.
	StartURL string
	// Regions are where it works; none means in all. A call's region is known only if
	// the client calls RegionURL.
	Regions []string
	// SignInLife is how long a person stays signed in: 8 h if zero.
	SignInLife time.Duration
	// TokenLife is how long an access token lasts that can be refreshed: 1 h if zero.
	TokenLife time.Duration
	// KeepRefreshTokens makes a refresh answer no refresh token: the old one stays good.
	// Otherwise a refresh token works once, and the answer has the next one.
	KeepRefreshTokens bool
	// Interval is how often a device may ask whether it was approved: 5 s if zero. The
	// answer says it in whole seconds, and never 0.
	Interval time.Duration
}

// A PermissionSet is a role that an Instance's users have in an account.
type PermissionSet struct {
	StartURL string
	Account  string // 12 digits
	// AccountName and Email are for display.
	AccountName, Email string
	// Name is what profiles call sso_role_name.
	Name string
	// Duration is how long credentials last: 1 h if zero.
	Duration time.Duration
	// Users are those it is assigned to; none means everybody.
	Users []string
}

// RoleARN is the role that the permission set is in its account, for a trust policy.
func (p PermissionSet) RoleARN() string {
	return "arn:" + p.partition() + ":iam::" + p.Account + ":role/aws-reserved/sso.amazonaws.com/" + p.roleName()
}

// SessionARN is what GetCallerIdentity says of a user's credentials.
func (p PermissionSet) SessionARN(user string) string {
	return "arn:" + p.partition() + ":sts::" + p.Account + ":assumed-role/" + p.roleName() + "/" + user
}

func (p PermissionSet) roleName() string {
	sum := sha256.Sum256([]byte(p.StartURL + p.Account + p.Name))
	return "AWSReservedSSO_" + p.Name + "_" + hex.EncodeToString(sum[:8])
}

// partition is where the start URL belongs.
func (p PermissionSet) partition() string {
	u, err := url.Parse(p.StartURL)
	switch {
	case err != nil:
		return "aws"
	case strings.HasSuffix(u.Host, ".awsapps.cn"), strings.HasSuffix(u.Host, ".com.cn"):
		return "aws-cn"
	case strings.Contains(u.Host, "us-gov"):
		return "aws-us-gov"
	case strings.HasSuffix(u.Host, ".amazonaws.eu"), strings.HasSuffix(u.Host, ".amazonwebservices.eu"):
		return "aws-eusc"
	}
	return "aws"
}

// center is all of Identity Center. It needs the server's lock.
type center struct {
	instances []*Instance
	sets      []PermissionSet
	clients   map[string]*oauthClient // by ID
	codes     map[string]*authCode    // by code
	devices   map[string]*deviceCode  // by device code
	access    map[string]*accessToken // by token
	refresh   map[string]*refreshToken
	pages     map[string]string // by next_token: the last item of the page before
}

func newCenter() center {
	return center{
		clients: make(map[string]*oauthClient), codes: make(map[string]*authCode), devices: make(map[string]*deviceCode),
		access: make(map[string]*accessToken), refresh: make(map[string]*refreshToken), pages: make(map[string]string),
	}
}

// An oauthClient is a registration.
type oauthClient struct {
	id, secret        string
	expires           time.Time
	scopes, redirects []string
	grants            []string
	startURL          string // of the instance it is for; empty for a device's
	region            string
}

// A signIn is a person's stay at an instance's portal.
type signIn struct {
	instance *Instance
	region   string
	user     string
	expires  time.Time
	ended    bool
}

// An authCode is what the browser brings back to the program that sent it.
type authCode struct {
	client    *oauthClient
	redirect  string
	challenge string
	scopes    []string
	signIn    *signIn
	expires   time.Time
}

type deviceCode struct {
	user     string // code that the person compares
	client   *oauthClient
	instance *Instance
	region   string
	expires  time.Time
	interval time.Duration
	asked    time.Time // when the device asked last
	answer   Answer    // of the person; Nobody until there is one
	person   string
}

type accessToken struct {
	signIn  *signIn
	scopes  []string
	expires time.Time
}

type refreshToken struct {
	client *oauthClient
	signIn *signIn
	scopes []string
}

// AddInstance adds an Identity Center, or changes one. A start URL without https is an error.
func (s *Server) AddInstance(i Instance) error {
	if u, err := url.Parse(i.StartURL); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not a start URL", i.StartURL)
	}
	i.SignInLife = cmp.Or(i.SignInLife, 8*time.Hour)
	i.TokenLife = cmp.Or(i.TokenLife, time.Hour)
	i.Interval = cmp.Or(i.Interval, 5*time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.center.instance(i.StartURL, ""); ok {
		*old = i // who is signed in stays so
	} else {
		s.center.instances = append(s.center.instances, &i)
	}
	return nil
}

// AddPermissionSet assigns a role in an account to people of an instance.
func (s *Server) AddPermissionSet(p PermissionSet) error {
	if len(p.Account) != 12 || strings.Trim(p.Account, "0123456789") != "" || p.Name == "" {
		return fmt.Errorf("not a role in an account: %q %q", p.Name, p.Account)
	}
	p.Duration = cmp.Or(p.Duration, time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.center.instance(p.StartURL, ""); !ok {
		return fmt.Errorf("no instance %q", p.StartURL)
	}
	s.center.remove(p.StartURL, p.Account, p.Name)
	s.center.sets = append(s.center.sets, p)
	return nil
}

// RemovePermissionSet takes a role from everybody. Credentials that are out stay good.
func (s *Server) RemovePermissionSet(startURL, account, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.center.remove(startURL, account, name)
}

func (c *center) remove(startURL, account, name string) {
	c.sets = slices.DeleteFunc(c.sets, func(p PermissionSet) bool {
		return p.StartURL == startURL && p.Account == account && p.Name == name
	})
}

// AgeSignIns makes every registration, code, token and sign-in d older, without moving
// the clock.
func (s *Server) AgeSignIns(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.console.age(d)
	c := &s.center
	older := func(t *time.Time) { *t = t.Add(-d) }
	for _, client := range c.clients {
		older(&client.expires)
	}
	aged := make(map[*signIn]bool)
	age := func(in *signIn) {
		if in != nil && !aged[in] {
			aged[in] = true
			older(&in.expires)
		}
	}
	for _, code := range c.codes {
		older(&code.expires)
		age(code.signIn)
	}
	for _, device := range c.devices {
		older(&device.expires)
		older(&device.asked)
	}
	for _, token := range c.access {
		older(&token.expires)
		age(token.signIn)
	}
	for _, token := range c.refresh {
		age(token.signIn)
	}
}

// RevokeTokens makes all access tokens unknown; refresh tokens stay good.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.center.access)
}

// EndSignIns signs everybody out: no access or refresh token works any more.
func (s *Server) EndSignIns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.center.access {
		t.signIn.ended = true
	}
	for _, t := range s.center.refresh {
		t.signIn.ended = true
	}
	clear(s.console.refresh)
}

// ForgetClients makes all registrations unknown.
func (s *Server) ForgetClients() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.center.clients)
}

// instance finds an Identity Center by its start URL, if it works in the region. AWS's own
// portal shows the address with a "/#" that AWS does not mind.
func (c *center) instance(startURL, region string) (*Instance, bool) {
	startURL, _, _ = strings.Cut(startURL, "#")
	startURL = strings.TrimSuffix(startURL, "/")
	for _, i := range c.instances {
		if i.StartURL == startURL && (region == "" || len(i.Regions) == 0 || slices.Contains(i.Regions, region)) {
			return i, true
		}
	}
	return nil, false
}

// assigned lists what a person may be, by account and name.
func (c *center) assigned(in *signIn) []PermissionSet {
	var sets []PermissionSet
	for _, p := range c.sets {
		if p.StartURL == in.instance.StartURL && (len(p.Users) == 0 || slices.Contains(p.Users, in.user)) {
			sets = append(sets, p)
		}
	}
	slices.SortFunc(sets, func(a, b PermissionSet) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Name, b.Name))
	})
	return sets
}

func (in *signIn) over(now time.Time) bool { return in.ended || !now.Before(in.expires) }

// opaque is a token that nobody can read: like AWS's it is long, and has characters that
// a file name or an address could not hold.
func opaque(prefix string) string { return prefix + rand.Text() + ":" + randomBase64(200) }
