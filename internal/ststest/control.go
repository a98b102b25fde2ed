package ststest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"
)

// An order is what other processes, such as scripts, POST to /_control as
// application/json, one a request:
//
//	{"op":"calls"}                             {"calls":[...]}, see Call
//	{"op":"reset"}                             forget the calls
//	{"op":"fail","fault":"slow=2s"}            plan a fault, see ParseFault; "action":"AssumeRole"
//	                                           for that one only, "times":3 (else 1), or -1 for always
//	{"op":"heal"}                              forget the faults
//	{"op":"advance","by":"10m"}                move the server's clock
//	{"op":"age","by":"10m"}                    make sessions older
//	{"op":"life","by":"5s"}                    of new sessions, see Config.SessionLife
//	{"op":"code","serial":ARN}                 {"code":"123456"}, one AWS would accept now;
//	                                           with "step":1 the next step's, used or not
//	{"op":"delete","key":"AKIA..."}            a key or a session
//	{"op":"deactivate","key":"AKIA..."}
//	{"op":"activate","key":"AKIA..."}
//	{"op":"keys","arn":USER}                   {"keys":[...]}, see KeyState
//	{"op":"age-key","key":"AKIA...","by":"2160h"}  make a key older
//	{"op":"use-key","key":"AKIA...","service":"s3","region":"eu-west-1","by":"10m"}  it was last used 10 minutes ago
//	{"op":"lag-uses"}                          see LagUses
//	{"op":"delay-keys","times":3}              of keys created from now on, see DelayKeys
//	{"op":"hide-keys","times":1}               likewise, see HideKeys
//	{"op":"end-with-key"}                      see EndWithKey
//	{"op":"deny","action":"ListMFADevices"}    to everybody; "demand-mfa" denies it without MFA, "allow" undoes both;
//	                                           with "name" on that parameter or secret only
//	{"op":"parameter","parameter":{"name":"/dev/db"}}  {"arn":ARN}; a version of it, see Parameter
//	{"op":"secret","secret":{"name":"dev/api"}}        {"arn":ARN,"version":ID}, see Secret
//	{"op":"page-secrets","times":2}            see PageSecrets
//	{"op":"person","does":"deny"}              on pages opened from now on, see Answer; "user":"al@example.com",
//	                                           and at the console "arn":"arn:aws:iam::111111111111:root"
//	{"op":"cli-sign-in","dir":DIR,"session":"corp"}  the AWS CLI signs in, and writes its file: see CLISignIn
//	{"op":"cli-login","dir":DIR,"arn":ARN}     likewise at the console: see CLILogin
//	{"op":"assign","account":"111111111111","role":"Dev"}  to people of the demo's Identity Center, all or "user"; or "unassign"
//	{"op":"replay","by":"1m"}                  see SetReplay
//	{"op":"change-password","arn":ARN}         sign-ins at the console become useless
//	{"op":"device","does":"approve"}           a person answers the device that asked last; or "user_code":"ABCD-EFGH"
//	{"op":"web-token"}                         {"token":"eyJ..."}, a web identity of the demo world;
//	                                           "by":"5m" says how long it is good
//	{"op":"age-sign-ins","by":"10m"}           make registrations, tokens and sign-ins older
//	{"op":"revoke-tokens"}                     access tokens; "end-sign-ins" refresh tokens too; "forget-clients" registrations
//	{"op":"regions","regions":{"disabled":["eu-west-1"],"home_only":false,"home":""}}
//
// The answer is a JSON object, {} if there is no result. An order that the server
// does not understand gets status 400 and {"error":"..."}.
type order struct {
	Op        string     `json:"op"`
	Action    string     `json:"action"`
	Fault     string     `json:"fault"`
	Times     *int       `json:"times"`
	By        string     `json:"by"`
	Serial    string     `json:"serial"`
	Step      *int64     `json:"step"`
	Key       string     `json:"key"`
	Regions   Regions    `json:"regions"`
	Does      Answer     `json:"does"`
	User      string     `json:"user"`
	ARN       string     `json:"arn"`
	Dir       string     `json:"dir"`
	Session   string     `json:"session"`
	Account   string     `json:"account"`
	Role      string     `json:"role"`
	Device    string     `json:"user_code"`
	Service   string     `json:"service"`
	Region    string     `json:"region"`
	Name      string     `json:"name"`
	Parameter *Parameter `json:"parameter"`
	Secret    *Secret    `json:"secret"`
}

// reply is the answer to an order.
type reply struct {
	Calls   *[]Call     `json:"calls,omitempty"`
	Code    *string     `json:"code,omitempty"`
	Token   string      `json:"token,omitempty"`
	Keys    *[]KeyState `json:"keys,omitempty"`
	ARN     string      `json:"arn,omitempty"`
	Version string      `json:"version,omitempty"`
	Error   string      `json:"error,omitempty"`
}

func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, a reply) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(a)
	}
	// A page in a browser may not send this content type here without permission.
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		answer(http.StatusUnsupportedMediaType, reply{Error: "the content type must be application/json"})
		return
	}
	var o order
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(&o)
	var a reply
	if err == nil {
		a, err = s.obey(o)
	}
	if err != nil {
		answer(http.StatusBadRequest, reply{Error: err.Error()})
		return
	}
	answer(http.StatusOK, a)
}

func (s *Server) obey(o order) (a reply, err error) {
	switch o.Op {
	case "calls":
		calls := s.Calls()
		if calls == nil {
			calls = []Call{} // [] and not null
		}
		a.Calls = &calls
	case "reset":
		s.ResetCalls()
	case "fail":
		err = s.obeyFail(o)
	case "heal":
		s.Heal()
	case "advance":
		err = o.by(s.Advance)
	case "age":
		err = o.by(s.AgeSessions)
	case "life":
		err = o.by(s.SetSessionLife)
	case "code":
		code := s.Code(o.Serial)
		if o.Step != nil {
			code = s.CodeAt(o.Serial, s.Step(o.Serial)+*o.Step)
		}
		a.Code = &code
	case "delete":
		s.DeleteKey(o.Key)
	case "deactivate":
		s.DeactivateKey(o.Key)
	case "activate":
		s.ActivateKey(o.Key)
	case "keys":
		keys := s.Keys(o.ARN)
		if keys == nil {
			keys = []KeyState{} // [] and not null
		}
		a.Keys = &keys
	case "age-key":
		err = o.by(func(d time.Duration) { s.AgeKey(o.Key, d) })
	case "use-key":
		err = o.by(func(d time.Duration) { s.UseKey(o.Key, o.Service, o.Region, d) })
	case "delay-keys":
		if o.Times == nil || *o.Times < 0 {
			return a, errors.New("delay-keys needs a number of times")
		}
		s.DelayKeys(*o.Times)
	case "lag-uses":
		s.LagUses()
	case "hide-keys":
		if o.Times == nil || *o.Times < 0 {
			return a, errors.New("hide-keys needs a number of times")
		}
		s.HideKeys(*o.Times)
	case "end-with-key":
		s.EndWithKey(true)
	case "deny":
		s.Deny(o.Action, o.on()...)
	case "demand-mfa":
		s.DemandMFA(o.Action, o.on()...)
	case "allow":
		s.Allow(o.Action, o.on()...)
	case "parameter":
		if o.Parameter == nil {
			return a, errors.New("no parameter")
		}
		a.ARN, err = s.AddParameter(*o.Parameter)
	case "secret":
		if o.Secret == nil {
			return a, errors.New("no secret")
		}
		a.ARN, a.Version, err = s.AddSecret(*o.Secret)
	case "page-secrets":
		if o.Times == nil {
			return a, errors.New("page-secrets needs a number of times")
		}
		s.PageSecrets(*o.Times)
	case "person":
		err = s.SetPerson(Person{o.Does, o.User, o.ARN})
	case "device":
		err = s.AnswerDevice(o.Device, Person{o.Does, o.User, o.ARN})
	case "cli-sign-in":
		err = s.CLISignIn(o.Dir, o.Session)
	case "cli-login":
		err = s.CLILogin(o.Dir, o.ARN)
	case "assign":
		p := PermissionSet{StartURL: DemoStartURL, Account: o.Account, AccountName: "account-" + o.Account, Name: o.Role}
		if o.User != "" {
			p.Users = []string{o.User}
		}
		err = s.AddPermissionSet(p)
	case "unassign":
		s.RemovePermissionSet(DemoStartURL, o.Account, o.Role)
	case "replay":
		err = o.by(s.SetReplay)
	case "web-token":
		claims := DemoClaims()
		if o.By != "" {
			claims.Life, err = time.ParseDuration(o.By)
		}
		if err == nil {
			a.Token, err = s.WebToken(claims)
		}
	case "change-password":
		s.ChangePassword(o.ARN)
	case "age-sign-ins":
		err = o.by(s.AgeSignIns)
	case "revoke-tokens":
		s.RevokeTokens()
	case "end-sign-ins":
		s.EndSignIns()
	case "forget-clients":
		s.ForgetClients()
	case "regions":
		s.SetRegions(o.Regions)
	default:
		err = fmt.Errorf("no op %q", o.Op)
	}
	return a, err
}

// on are the names that a policy is about; none means everything.
func (o order) on() []string {
	if o.Name == "" {
		return nil
	}
	return []string{o.Name}
}

func (o order) by(do func(time.Duration)) error {
	d, err := time.ParseDuration(o.By)
	if err == nil {
		do(d)
	}
	return err
}

func (s *Server) obeyFail(o order) error {
	f, err := ParseFault(o.Fault)
	if err != nil {
		return err
	}
	times := 1
	if o.Times != nil {
		times = *o.Times
	}
	if times == 0 || times < Always {
		return fmt.Errorf("%d times", times)
	}
	s.Fail(o.Action, f, times)
	return nil
}
