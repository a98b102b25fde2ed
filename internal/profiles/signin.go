package profiles

import (
	"time"

	"fob/internal/plan"
	"fob/keyring"
)

// SignIn is what is known of a sign-in to Identity Center or the console without
// opening the store.
type SignIn struct {
	// Until is when its token ends; zero if there is none, or if it has ended.
	Until time.Time
	// Renews: fob gets the next token without a person, as long as AWS lets it. So it is
	// with what AWS's tools have signed in to.
	Renews bool
}

// Live reports whether nobody has to sign in.
func (s SignIn) Live() bool { return s.Renews || !s.Until.IsZero() }

// SignIn is the state of the sign-in that a plan starts from; zero if there is none.
func (p *Profiles) SignIn(made plan.Plan, now time.Time) SignIn {
	name, id, ok := made.Token()
	if !ok {
		return SignIn{}
	}
	return p.orAWS(p.token(name, id, now), made)
}

// orAWS is a sign-in of fob's own or, where there is none, that of AWS's tools.
func (p *Profiles) orAWS(own SignIn, made plan.Plan) SignIn {
	step, ok := made.Steps[0].(plan.ConsoleLogin)
	if ok && !own.Live() && p.awsLogin != nil && p.awsLogin(step) {
		own.Renews = true
	}
	return own
}

// SignIns are the sign-ins to Identity Center that the AWS files name.
func (p *Profiles) SignIns() []plan.SignIn { return plan.SignIns(p.facts) }

// SignInOf is the state of a sign-in to Identity Center.
func (p *Profiles) SignInOf(s plan.SSO, now time.Time) SignIn {
	name, id := s.TokenName()
	return p.token(name, id, now)
}

// token is the state of the sign-in whose token has that name and ID in the store.
func (p *Profiles) token(name, id string, now time.Time) SignIn {
	info, err := p.store.TokenInfo(name, id)
	if err != nil {
		return SignIn{} // a damaged one is as good as none
	}
	return signInOf(info, now)
}

func signInOf(info keyring.Info, now time.Time) SignIn {
	s := SignIn{Renews: info.Refresh}
	if info.Expires.After(now) {
		s.Until = info.Expires
	}
	return s
}

// tokens are the headers of the tokens, by their name and ID.
func (p *Profiles) tokens() map[string]keyring.Info {
	infos, err := p.store.Infos(keyring.KindToken)
	if err != nil {
		p.log("%v", err) // a damaged token is one sign-in less
	}
	found := make(map[string]keyring.Info, len(infos))
	for _, t := range infos {
		found[t.Name+"+"+t.ID] = t
	}
	return found
}
