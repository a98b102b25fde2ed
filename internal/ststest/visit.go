package ststest

import (
	"encoding/json"
	"errors"
	"html"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A visit is a call of a service that is told by its path: one that speaks JSON, or a
// page of one, which a browser opens. The server is locked.
type visit struct {
	*Server
	r      *http.Request
	query  url.Values
	fields map[string]any // of the JSON document in the body; nil if there is none
	region string         // see RegionURL; empty means that nobody can tell
	now    time.Time
	life   time.Duration // if not 0, of the session to be made
}

// A route is a call's place in the table of all visits.
type route struct {
	service, method, path, action string // a service is named as in its hosts
	// fail says an error as the service does.
	fail func(*refusal) answer
	run  func(*visit) (result any, err error)
}

// routes is the table of all visits.
var routes = []route{
	{"oidc", "POST", "/client/register", "RegisterClient", oidcError, (*visit).registerClient},
	{"oidc", "POST", "/token", "CreateToken", oidcError, (*visit).createToken},
	{"oidc", "POST", "/device_authorization", "StartDeviceAuthorization", oidcError, (*visit).startDeviceAuthorization},
	{"oidc", "GET", "/authorize", "Authorize", pageError, (*visit).authorize},
	{"oidc", "GET", "/device", "VerifyDevice", pageError, (*visit).verifyDevice},

	{"portal.sso", "GET", "/federation/credentials", "GetRoleCredentials", portalError, (*visit).getRoleCredentials},
	{"portal.sso", "GET", "/assignment/accounts", "ListAccounts", portalError, (*visit).listAccounts},
	{"portal.sso", "GET", "/assignment/roles", "ListAccountRoles", portalError, (*visit).listAccountRoles},
	{"portal.sso", "POST", "/logout", "Logout", portalError, (*visit).logout},

	{"signin", "GET", "/v1/authorize", "AuthorizeConsole", pageError, (*visit).authorizeConsole},
	{"signin", "GET", confirmation, "ConfirmConsole", pageError, (*visit).confirm},
	{"signin", "POST", "/v1/token", "CreateOAuth2Token", signinError, (*visit).createConsoleToken},
}

// regionPrefix is what RegionURL puts before a path.
const regionPrefix = "/_region/"

// RegionURL is the endpoint for one region, of services whose calls are not signed and
// so do not say their region. With URL the server believes that the region is right.
func (s *Server) RegionURL(region string) string { return s.URL + regionPrefix + region }

// place is the path of a request, and its region if the address says it.
func place(r *http.Request) (path, region string) {
	if _, region, ok := awsHost(r.Host); ok {
		return r.URL.Path, region
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, regionPrefix); ok {
		region, path, _ = strings.Cut(rest, "/")
		return "/" + path, region
	}
	return r.URL.Path, ""
}

// routed finds the service of a path; ok is false if it belongs to no visit.
func routed(r *http.Request) (found route, ok bool) {
	path, _ := place(r)
	service, _, named := awsHost(r.Host)
	for _, rt := range routes {
		if rt.path != path || named && service != rt.service {
			continue
		}
		if rt.method == r.Method || rt.method == "GET" && r.Method == "HEAD" {
			return rt, true
		}
		found, ok = route{path: path, fail: rt.fail, run: (*visit).noSuchOperation}, true
	}
	return found, ok
}

func (v *visit) noSuchOperation() (any, error) {
	return nil, refuse(http.StatusNotFound, "UnknownOperationException", "")
}

// failed says an error as the called service does.
func failed(r *http.Request, err error) answer {
	var e *refusal
	errors.As(err, &e)
	if rt, ok := routed(r); ok {
		return rt.fail(e)
	}
	if r.Header.Get(targetHeader) != "" {
		return targetError(e)
	}
	return envelope(stsAPI, "", nil, err)
}

func (s *Server) visit(r *http.Request, body []byte) (incoming, bool) {
	rt, ok := routed(r)
	if !ok {
		return incoming{}, false
	}
	_, region := place(r)
	v := &visit{Server: s, r: r, query: r.URL.Query(), region: region}
	err := v.decode(body)
	return incoming{action: rt.action, region: region, params: v.params(), perform: func(life time.Duration) answer {
		v.now, v.life = s.now(), life
		if life == 0 {
			v.life = s.life
		}
		var result any
		if err == nil {
			result, err = rt.run(v)
		}
		if e := (*refusal)(nil); errors.As(err, &e) {
			return rt.fail(e)
		}
		if a, ok := result.(answer); ok {
			return a
		}
		return document(http.StatusOK, "OK", result)
	}}, true
}

// in reports whether the call is of a region: a client, and a token, is known where it was
// made and nowhere else.
func (v *visit) in(region string) bool { return v.region == "" || region == "" || v.region == region }

// decode reads the body as AWS does: the names of fields are case-sensitive, and
// unknown ones do not matter.
func (v *visit) decode(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	if t, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type")); t != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", "")
	}
	if json.Unmarshal(body, &v.fields) != nil {
		return refuse(http.StatusBadRequest, "SerializationException", "")
	}
	return nil
}

// text is a field of the document, empty if it is absent or not text.
func (v *visit) text(name string) string {
	s, _ := v.fields[name].(string)
	return s
}

// list is a field that is a list of texts; ok is false if it is something else.
func (v *visit) list(name string) (list []string, ok bool) {
	value := v.fields[name]
	if value == nil {
		return nil, true
	}
	members, ok := value.([]any)
	for _, m := range members {
		s, is := m.(string)
		list, ok = append(list, s), ok && is
	}
	return list, ok
}

// secretFields are those of documents and addresses that the log does not show.
var secretFields = []string{"clientSecret", "code", "codeVerifier", "deviceCode", "refreshToken", "state", "code_challenge", "user_code"}

func (v *visit) params() map[string]string {
	params := make(map[string]string)
	add := func(name, value string) {
		if slices.Contains(secretFields, name) {
			value = "[redacted]"
		}
		params[name] = value
	}
	for name, values := range v.query {
		add(name, values[0])
	}
	for name := range v.fields {
		if list, ok := v.list(name); ok && len(list) > 0 {
			add(name, strings.Join(list, " "))
		} else {
			add(name, v.text(name))
		}
	}
	return params
}

// document is a result in JSON; nil is an empty body.
func document(status int, code string, result any) answer {
	a := answer{status: status, code: code, requestID: requestID(), media: "application/json"}
	if result == nil {
		return a
	}
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // our own types, always encodable
	}
	a.body = body
	return a
}

// webPage is what a browser shows.
func webPage(status int, code, text string) answer {
	body := "<!DOCTYPE html>\n<html><head><title>AWS</title></head><body><p>" + html.EscapeString(text) + "</p></body></html>\n"
	return answer{status: status, code: code, requestID: requestID(), media: "text/html; charset=utf-8", body: []byte(body)}
}

func pageError(e *refusal) answer { return webPage(e.status, e.code, e.code+" "+e.message) }

// redirect sends a browser to another address, with a query.
func redirect(to string, query url.Values) answer {
	a := webPage(http.StatusFound, "OK", "You are being redirected.")
	a.location = to + "?" + query.Encode()
	return a
}
