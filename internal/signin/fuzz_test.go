package signin

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

// Whatever stands in AWS's cache: what fob takes from it can be in a header, and what it
// writes back is the same sign-in with the new tokens.
func FuzzAWSCache(f *testing.F) {
	f.Add(cacheText(f, nil), jo)
	f.Add(cacheText(f, map[string]any{"accessToken.expiresAt": "2026-11-30T12:00:00UTC", "idToken": idToken(jo)}), " "+jo)
	f.Add(`{"accessToken":null}`, "")
	f.Fuzz(func(t *testing.T, text, session string) {
		got, err := parseAWSCache(text, session)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x00\r\n\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		for _, word := range []string{got.Session.ID, got.Session.Secret.Reveal(), got.Session.Token.Reveal(), got.Session.AccountID, got.Client.ID, got.Refresh.Reveal()} {
			if !creds.IsPrintable(word) {
				t.Errorf("%q", word)
			}
		}
		next := got
		next.Refresh, next.Session.Expires = creds.NewSecret("next"), time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		out, err := renderAWSCache(text, next)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseAWSCache(out, session)
		if err != nil || again.Refresh.Reveal() != "next" || again.Session.ID != got.Session.ID || !again.DPoPKey.Equal(got.DPoPKey) || !again.Expires.Equal(next.Session.Expires) {
			t.Errorf("%q became %q: %v", text, out, err)
		}
	})
}

// A code that somebody pastes is taken only with the state, and is one word.
func FuzzPasted(f *testing.F) {
	for _, text := range []string{"state=s&code=c", "code=c", "state=s&code=%zz", "state=s&code=a%20b", "code=x&state=s&state=t"} {
		f.Add(base64.StdEncoding.EncodeToString([]byte(text)), "s")
		f.Add(text, "s")
	}
	f.Fuzz(func(t *testing.T, text, state string) {
		code, err := readPasted(text, state)
		if (err == nil) != creds.IsPrintable(code) {
			t.Errorf("%q, %v", code, err)
		}
	})
}

// Whatever comes to the listener: only the state ends the wait, and the page is one that
// shows no markup of anybody else's.
func FuzzDesk(f *testing.F) {
	f.Add("GET", callbackPath+"?state=the-state&code=c", "h")
	f.Add("GET", callbackPath+"?state=the-state&error=%3Cscript%3E&error_description=%1b%00", "h")
	f.Add("POST", callbackPath+";/../?%zz&state=the-state", "h")
	f.Fuzz(func(t *testing.T, method, target, host string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL, r.Host = method, u, host
		d := &desk{to: to, host: "h", state: "the-state", answers: make(chan returned, 1)}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		page := w.Body.String()
		if strings.Count(page, "<") != 9 || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("page %q", page)
		}
		if ended := len(d.answers) == 1; ended != (w.Code == 200) || ended && (host != "h" || method != "GET" || u.Path != callbackPath || !strings.Contains(u.RawQuery, "state")) {
			t.Errorf("%s %s: %d, ended %v", method, target, w.Code, ended)
		}
	})
}

// An answer of the process that renews is an error that can be shown, whatever it is.
func FuzzFailure(f *testing.F) {
	f.Add(`{"kind":"needed","data":{"Profile":"ops"},"cause":{"kind":"refused","data":[]},"unsent":true}`)
	f.Add(`{"kind":"cache","data":null}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		var made *failure
		if json.Unmarshal([]byte(text), &made) != nil {
			return
		}
		if err := made.err(); err != nil {
			_ = err.Error()
			_ = failureOf(err).err().Error()
		}
	})
}

// A start URL leads to a portal of AWS's over https, or nowhere.
func FuzzLeadsTo(f *testing.F) {
	f.Add("https://sso.example.com/a", "https://d-1.awsapps.com:443/start/?x#y")
	f.Add("https://sso.example.com", "//u:p@d-1.awsapps.com")
	f.Add("https://sso.example.com", "https://evil.example\\.awsapps.com")
	f.Fuzz(func(t *testing.T, start, location string) {
		got, err := leadsTo(start, location)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || !isPortal(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(got, " \t\r\n\x00\x1b") {
			t.Errorf("%q leads to %q: %v", location, got, err)
		}
	})
}
