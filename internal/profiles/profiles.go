// Package profiles joins the AWS files and the store: which profiles there are, by
// which plan each gets credentials, and what is known about it without a secret.
// list, status and doctor show what this package finds out.
//
// It never unlocks the store, asks nobody and makes no network call.
package profiles

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/broker"
	"fob/internal/plan"
	"fob/internal/wire"
	"fob/keyring"
)

// Profiles are the profiles as the files and the store were when Read read them.
type Profiles struct {
	Config *awsconfig.Config

	store *keyring.Store
	state string // the directory of records of failed exports; "" for none
	facts plan.Facts
	// keys are the headers of all stored keys, each read once; damaged ones are an
	// error beside the others.
	keys     func() ([]keyring.Info, error)
	awsLogin func(plan.ConsoleLogin) bool
	log      func(format string, args ...any)
}

// World is what Read needs besides files and store.
type World struct {
	Getenv   func(name string) string
	ReadFile func(path string) (string, error) // for session policies
	User     func() string                     // the login name
	Agent    func() plan.Agent                 // the coding agent that asks
	Program  string                            // the base name of this program
	FoldCase bool                              // the names of variables have no case
	// AWSLogin reports whether AWS's tools keep a sign-in to the console; nil: they do not.
	AWSLogin func(plan.ConsoleLogin) bool
	Log      func(format string, args ...any)
}

// Read parses the files. It reads the store only when something needs it.
func Read(files Files, store *keyring.Store, w World) (*Profiles, error) {
	config, err := files.Parse()
	if err != nil {
		return nil, err
	}
	p := New(config, store, w)
	p.state = files.State
	return p, nil
}

// New is Read for a config that is parsed already.
func New(config *awsconfig.Config, store *keyring.Store, w World) *Profiles {
	p := &Profiles{Config: config, store: store, log: w.Log, awsLogin: w.AWSLogin}
	p.keys = sync.OnceValues(func() ([]keyring.Info, error) { return store.Infos(keyring.KindKey) })
	p.facts = plan.Facts{
		Config: config,
		Key:    p.key,
		StoredNames: func() []string {
			names, _ := p.Stored() // do not suggest damaged ones
			return names
		},
		Getenv: fullPaths(w.Getenv), ReadFile: w.ReadFile, User: w.User, Agent: w.Agent, Program: w.Program, FoldCase: w.FoldCase,
	}
	return p
}

// fullPaths completes the paths of the AWS files. They are part of what a foreign
// process or a console sign-in gives credentials for, and a relative path is another
// file in another directory. A tilde is for the program to read: not all of them expand
// it.
func fullPaths(getenv func(string) string) func(name string) string {
	return func(name string) string {
		value := getenv(name)
		switch {
		case value == "" || strings.HasPrefix(value, "~"):
			return value
		case name != "AWS_CONFIG_FILE" && name != "AWS_SHARED_CREDENTIALS_FILE" && name != "AWS_LOGIN_CACHE_DIRECTORY":
			return value
		}
		path, err := filepath.Abs(value)
		if err != nil {
			return value // the current directory is gone, and with it the file
		}
		return path
	}
}

func (p *Profiles) key(profile string) (plan.Key, bool, error) {
	info, err := p.store.KeyInfo(profile)
	_, none := errors.AsType[*keyring.NotFoundError](err)
	_, unfit := errors.AsType[*keyring.NameError](err) // the AWS files may have longer names
	if none || unfit {
		return plan.Key{}, false, nil
	}
	return planKey(info), err == nil, err
}

func planKey(i keyring.Info) plan.Key { return plan.Key{ID: i.KeyID, Account: i.Account, ARN: i.ARN} }

// Plan is how a profile gets credentials, or an error of plan.Resolve or of the
// store. Its notes are logged.
func (p *Profiles) Plan(profile string, o plan.Options) (plan.Plan, error) {
	made, err := plan.Resolve(p.facts, profile, o)
	for _, n := range made.Notes {
		p.log("%s", n)
	}
	return made, err
}

// Source is the name that a profile's sessions are stored under, even if the profile
// cannot be used because of a mistake that does not matter for that.
func (p *Profiles) Source(profile string) (string, error) { return plan.SourceOf(p.facts, profile) }

// Removable are the profiles that fob remove takes: those with a stored key, and those
// whose credential_process is program's own.
func (p *Profiles) Removable(program string) []string {
	names, _ := p.Names() // damaged keys are named by what reads them
	stored, _ := p.Stored()
	return slices.DeleteFunc(names, func(name string) bool {
		section, _ := p.Config.Profile(name)
		return !slices.Contains(stored, name) && !wire.Owned(section, program)
	})
}

// Users are the other profiles that get their credentials through a profile, sorted.
func (p *Profiles) Users(profile string) (users []string) {
	names, _ := p.Names() // a damaged key has no users that could be found
	for _, name := range names {
		if name != profile && slices.Contains(plan.ChainOf(p.facts, name), profile) {
			users = append(users, name)
		}
	}
	return users
}

// STS is where STS is called for a profile that need not exist yet, in the region of the
// --region flag if that is not "".
func (p *Profiles) STS(profile, region string) (plan.Endpoint, error) {
	return plan.EndpointOf(p.facts, profile, region)
}

// Signin is where a profile, which need not exist yet, is signed in to at the console; a
// region of "" is the home region of AWS.
func (p *Profiles) Signin(profile, region string) (plan.Endpoint, error) {
	sts, err := p.STS(profile, "")
	if err != nil {
		return plan.Endpoint{}, err
	}
	return plan.ServiceEndpoint(p.facts, profile, "signin", cmp.Or(region, sts.Region))
}

// Service is where a service, "ssm" or "secretsmanager", is called in a region for a
// profile.
func (p *Profiles) Service(profile, service, region string) (plan.Endpoint, error) {
	return plan.ServiceEndpoint(p.facts, profile, service, region)
}

// IAM is where IAM is called about a user, for a profile that need not exist yet.
func (p *Profiles) IAM(profile, userARN string) (plan.Endpoint, error) {
	return plan.IAMEndpointOf(p.facts, profile, userARN)
}

// Names are the profiles of the files and the store, each once, sorted. An error
// beside names is about the store.
func (p *Profiles) Names() ([]string, error) {
	stored, err := p.Stored()
	names := append(slices.Clone(p.Config.Names()), stored...)
	slices.Sort(names)
	return slices.Compact(names), err
}

// Stored are the profiles with a stored key, sorted. Damaged ones are an error
// beside the others.
func (p *Profiles) Stored() ([]string, error) {
	var names []string
	infos, err := p.keys()
	for _, i := range infos {
		names = append(names, i.Name)
	}
	return names, err
}

// MFASerial is the MFA device of a profile: its plan's or, if that cannot be made, the
// one that its section names; "" if it has none.
func (p *Profiles) MFASerial(profile string) string {
	made, err := p.Plan(profile, plan.Options{Shown: true})
	if err == nil {
		return made.MFASerial()
	}
	section, _ := p.Config.Profile(profile)
	if v, _ := section.Get("mfa_serial"); v.Text != "none" {
		return v.Text
	}
	return ""
}

// NeedsDevice says what would still need an MFA device without the key of a profile: a
// section that names it, a plan that uses it, or one that cannot be made and might. It
// is "" if nothing does.
func (p *Profiles) NeedsDevice(serial, without string) string {
	rest := *p
	rest.facts.Key = func(profile string) (plan.Key, bool, error) {
		if profile == without {
			return plan.Key{}, false, nil
		}
		return p.key(profile)
	}
	names, damaged := p.Names()
	stored, _ := p.Stored()
	doubt := ""
	for _, name := range names {
		made, err := rest.Plan(name, plan.Options{Shown: true})
		section, _ := p.Config.Profile(name)
		named, _ := section.Get("mfa_serial")
		switch {
		case err == nil && made.MFASerial() == serial:
			return name + " uses it"
		case named.Text == serial && name != without:
			return name + " names it"
		case err != nil && name != without && slices.Contains(stored, name):
			doubt = name + " cannot be used at the moment, and may need it"
		}
	}
	switch {
	case damaged != nil:
		return "a stored key cannot be read, and its profile may need it"
	case doubt == "" && len(p.Config.Unreadable()) > 0:
		return "a section of the AWS files cannot be read, and may name it"
	}
	return doubt
}

// SignedInUntil is until when a plan needs no person because of its cached sessions and
// its token; zero if there are none that would be used. A role's own session is renewed
// silently while the MFA session under it lives.
func (p *Profiles) SignedInUntil(made plan.Plan, now time.Time) time.Time {
	until, err := broker.SignedIn(made, broker.At(now, made, p.store), p.Cached(made))
	if err != nil {
		p.log("%v", err)
	}
	return later(until, p.SignIn(made, now).Until)
}

// Refused is when AWS last refused to make a plan's own session although the profile is
// signed in; zero if there is one, or if nobody has tried.
func (p *Profiles) Refused(made plan.Plan, now time.Time) time.Time {
	at, cached := broker.At(now, made, p.store), p.Cached(made)
	own, err := broker.Own(made, at, cached)
	signedIn, failed := broker.SignedIn(made, at, cached)
	if err != nil || failed != nil || !own.IsZero() || signedIn.IsZero() {
		return time.Time{}
	}
	return p.refusals().of(made, cached)
}

// Outlook is what a command would do with a plan now, by the broker's own rules.
// With fresh, cached sessions do not count.
func (p *Profiles) Outlook(made plan.Plan, renew broker.Renewal, now time.Time, fresh bool) broker.Outlook {
	cached := p.Cached(made)
	if fresh {
		cached = func(int) (keyring.Info, error) { return keyring.Info{}, nil }
	}
	o, err := broker.Judge(made, renew, broker.At(now, made, p.store), cached)
	if err != nil {
		p.log("%v", err)
	}
	return o
}

// Cached reads the headers of a plan's cached sessions.
func (p *Profiles) Cached(made plan.Plan) broker.Cached {
	return func(n int) (keyring.Info, error) {
		info, err := p.store.SessionInfo(made.Source(), made.ID(n))
		if _, none := errors.AsType[*keyring.NotFoundError](err); none {
			return keyring.Info{}, nil
		}
		return info, err
	}
}
