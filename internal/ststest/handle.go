package ststest

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// maxBody is far more than STS accepts (a policy of 2,048 characters).
const maxBody = 1 << 20

// handle answers one call: what the action comes to and the log entry are
// settled under the lock, then the answer is sent, spoilt if a fault is due.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge) // or nobody is there any more
		return
	}
	in := s.incoming(r, body)
	call := Call{
		Action: in.action, Host: r.Host, Params: in.params,
		Conn: r.Context().Value(connKey{}).(int), UserAgent: r.UserAgent(),
	}
	if sig, err := readSignature(r.Header); err == nil {
		call.Key, call.Region = sig.key, sig.region
	} else {
		call.Region = in.region
	}

	s.mu.Lock()
	f := s.takeFault(call.Action)
	call.Time, call.Fault = s.now(), f.text
	a := answer{date: call.Time}
	if !f.instead {
		a = in.perform(f.life)
		a.date = call.Time
	}
	call.Code = a.code
	s.log.add(call)
	s.mu.Unlock()

	if f.spoil == nil {
		a.write(w)
		return
	}
	f.spoil(s, w, r, a)
}

// An incoming call is one whose service is known by its path, or by its being a query.
type incoming struct {
	action string
	region string            // if the address says it, see RegionURL
	params map[string]string // without secrets
	// perform needs the server's lock; life, if not 0, is of the sessions to be made.
	perform func(life time.Duration) answer
}

func (s *Server) incoming(r *http.Request, body []byte) incoming {
	if in, ok := s.visit(r, body); ok {
		return in
	}
	if in, ok := s.target(r, body); ok {
		return in
	}
	form, err := url.ParseQuery(string(body))
	if r.Method != http.MethodPost {
		form = r.URL.Query()
	}
	in := incoming{action: form.Get("Action"), params: redact(form)}
	in.perform = func(life time.Duration) answer {
		if err != nil {
			return envelope(stsAPI, "", nil, refuse(http.StatusBadRequest, "MalformedQueryString", "The query string is malformed."))
		}
		if service, region, ok := awsHost(r.Host); ok && !rightHost(r, service, region, in.action) {
			return envelope(stsAPI, in.action, nil, refuse(http.StatusNotFound, "UnknownOperationException", "not at "+r.Host))
		}
		return s.perform(r, body, form, life)
	}
	return in
}

// A request is what an action works on; the server is locked.
type request struct {
	*Server
	form   url.Values
	now    time.Time
	caller caller
	key    string        // ID of the one that signed; empty if nobody did
	life   time.Duration // if not 0, of the session to be made
}

func (s *Server) perform(r *http.Request, body []byte, form url.Values, life time.Duration) answer {
	name, version := form.Get("Action"), form.Get("Version")
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == name && a.service.version == version })
	if i < 0 {
		if version == "" {
			version = "NO_VERSION_SPECIFIED"
		}
		return envelope(stsAPI, name, nil, refuse(http.StatusBadRequest, "InvalidAction",
			"Could not find operation "+name+" for version "+version))
	}
	act := actions[i]
	now := s.now()
	if life == 0 {
		life = s.life
	}
	var c caller
	var err error
	if act.allow != nil {
		c, err = s.authenticate(r, body, act.service, now)
	}
	if err == nil && act.allow != nil {
		err = act.allow(c)
	}
	if err == nil && act.service == iamAPI {
		err = s.world.itself(act.name, c)
	}
	var result any
	if err == nil {
		sig, _ := readSignature(r.Header)
		result, err = act.run(&request{Server: s, form: form, now: now, caller: c, key: sig.key, life: life})
	}
	return envelope(act.service, name, result, err)
}

// authenticate finds the caller by signature, token, lifetime and region.
func (s *Server) authenticate(r *http.Request, body []byte, svc service, now time.Time) (caller, error) {
	unknown := refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	sig, err := readSignature(r.Header)
	if err != nil {
		return caller{}, err
	}
	c := s.world.credentials[sig.key]
	if !s.world.known(c) {
		return caller{}, unknown
	}
	if err := sig.check(svc.name, now); err != nil {
		return caller{}, err
	}
	if err := sig.verify(r, body, c.Secret.Reveal()); err != nil {
		return caller{}, err
	}
	if r.Header.Get("X-Amz-Security-Token") != c.Token.Reveal() {
		return caller{}, unknown
	}
	if c.caller.session && !now.Before(c.Expires) {
		return caller{}, refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	if slices.Contains(s.regions.Disabled, sig.region) {
		return caller{}, refuse(http.StatusForbidden, "RegionDisabledException", "STS is not activated in this region for account:"+
			c.caller.account()+". Your account administrator can activate STS in this region using the IAM Console.")
	}
	part := partitions[partitionIn(sig.region)]
	if part.name != arnPart(c.caller.arn, partitionPart) {
		return caller{}, unknown // a partition knows nothing of the others
	}
	home := cmp.Or(s.regions.Home, part.home)
	if svc.global && sig.region != home {
		return caller{}, mismatch("Credential should be scoped to a valid region. ")
	}
	if s.regions.HomeOnly && sig.region != home {
		return caller{}, unknown
	}
	if !s.world.lagUses {
		c.used = use{now, svc.name, sig.region}
	}
	return c.caller, nil
}

// rightHost reports whether one of AWS's hosts takes a call: the service must be the one
// of the name, and so must the region that the call is signed for.
func rightHost(r *http.Request, service, region, name string) bool {
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == name })
	sig, err := readSignature(r.Header)
	return i >= 0 && actions[i].service.name == service && (err != nil || region == "" || sig.region == region)
}
