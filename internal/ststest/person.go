package ststest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Answer is what a person does on a page that asks whether a program may sign in.
type Answer string

const (
	// Approve allows it: the browser goes back to the program, at once.
	Approve Answer = "approve"
	// Deny refuses it, and the browser tells the program.
	Deny Answer = "deny"
	// WrongState sends the browser to the program with a state that is not the program's,
	// as a page of somebody else would.
	WrongState Answer = "wrong-state"
	// Nobody comes, or closes the tab: the page stays, and the program is told nothing.
	Nobody Answer = "nobody"
)

// A Person is the one who sits at the browser.
type Person struct {
	Does Answer
	// User is who signs in at an Instance: DemoSSOUser if empty.
	User string
	// ARN is who is signed in at the console: a user, an account's root, or a role's session
	// (arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME). DemoUser if empty.
	ARN string
}

// SetPerson says what happens on the pages that are opened from now on. At the start,
// somebody approves everything.
func (s *Server) SetPerson(p Person) error {
	if err := p.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person = p
	return nil
}

// user is who signs in at an Instance.
func (p Person) user() string { return cmp.Or(p.User, DemoSSOUser) }

func (p Person) check() error {
	if !slices.Contains([]Answer{Approve, Deny, WrongState, Nobody}, p.Does) {
		return fmt.Errorf("a person cannot %q", p.Does)
	}
	if r := arnPart(p.ARN, resourcePart); p.ARN != "" && r != "root" && !strings.HasPrefix(r, "user/") && !strings.HasPrefix(r, "assumed-role/") {
		return fmt.Errorf("%q cannot sign in at the console", p.ARN)
	}
	return nil
}

// AnswerDevice is a person who opens a device's page and answers; an empty code is that
// of the device that asked last.
func (s *Server) AnswerDevice(userCode string, p Person) error {
	if err := p.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.center.device(userCode)
	if d == nil {
		return fmt.Errorf("no device waits with the code %q", userCode)
	}
	d.answer, d.person = p.Does, p.user()
	return nil
}

// device finds the device that waits with a code.
func (c *center) device(userCode string) *deviceCode {
	var found *deviceCode
	for _, d := range c.devices {
		if userCode == d.user || userCode == "" && (found == nil || found.expires.Before(d.expires)) {
			found = d
		}
	}
	return found
}

// browserAgent is what a browser calls itself.
const browserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// Browse does what a browser does with an address: it follows redirects, also to a
// program that listens on this machine, asks the last page's host for its icon, and
// returns the text of the page on which it stops. The person of the server decides what
// happens on the server's pages.
func Browse(ctx context.Context, address string) (text string, err error) {
	client := &http.Client{Timeout: time.Minute}
	get := func(address string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("User-Agent", browserAgent)
		r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8")
		r.Header.Set("Accept-Language", "en-US,en;q=0.9")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		return client.Do(r)
	}
	res, err := get(address)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return "", err
	}
	if res.StatusCode >= 400 {
		return string(body), errors.New("the page says " + res.Status)
	}
	icon := *res.Request.URL
	icon.Path, icon.RawQuery = "/favicon.ico", ""
	if res, err := get(icon.String()); err == nil { // a program may be gone by now
		res.Body.Close()
	}
	return string(body), nil
}

// formatUserCode is how AWS shows a code that people type.
func formatUserCode(text string) string { return strings.ToUpper(text[:4] + "-" + text[4:8]) }
