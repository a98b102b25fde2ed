package ststest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault is one way in which an answer goes wrong. Drop, Status, Throttle,
// Refuse, Empty, Portal and Redirect happen instead of the action. Slow, Reset, Lost,
// Truncated, Expired and WrongDate spoil only the answer: the action is
// carried out, an MFA code is used up, and a session exists that the caller
// may never hear of.
type Fault struct {
	text    string
	instead bool
	life    time.Duration // of the sessions made, if not 0
	// spoil sends the answer, or part of it; a is empty if instead is true.
	spoil func(s *Server, w http.ResponseWriter, r *http.Request, a answer)
}

// String is the form that ParseFault reads.
func (f Fault) String() string { return f.text }

// Always is a number of times for Fail.
const Always = -1

type plannedFault struct {
	action string
	fault  Fault
	times  int
}

// Fail makes the next calls of an action go wrong, or of any action if it is
// "": so many times, or Always. Only the first planned fault that fits a call
// happens.
func (s *Server) Fail(action string, f Fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, plannedFault{action, f, times})
}

// Heal cancels all planned faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault due, or the zero Fault. It needs s.mu.
func (s *Server) takeFault(action string) Fault {
	for i := range s.faults {
		p := &s.faults[i]
		if p.action != "" && p.action != action {
			continue
		}
		f := p.fault
		if p.times > 0 {
			p.times--
		}
		if p.times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return Fault{}
}

// Drop closes the connection without an answer.
func Drop() Fault {
	return Fault{text: "drop", instead: true, spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ answer) {
		hangUp(w, false)
	}}
}

// Reset sends half the answer, then resets the connection.
func Reset() Fault {
	return Fault{text: "reset", spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, a answer) {
		a.header(w.Header())
		w.WriteHeader(a.status)
		w.Write(a.body[:len(a.body)/2])
		http.NewResponseController(w).Flush()
		hangUp(w, true)
	}}
}

// Lost resets the connection before the first byte of the answer.
func Lost() Fault {
	return Fault{text: "lost", spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ answer) { hangUp(w, true) }}
}

// hangUp closes the connection under w; with reset, the other end gets an error (RST)
// instead of an orderly end (FIN).
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // HTTP/1 only, see Start
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// Status answers with a status of 500 and above and an AWS error document.
func Status(status int) Fault {
	code := "InternalFailure"
	if status == http.StatusServiceUnavailable {
		code = "ServiceUnavailable"
	}
	return failure("status="+strconv.Itoa(status), refuse(status, code, "The request processing has failed because of an unknown error, exception or failure."))
}

// errThrottled is STS's; other services say it in words of their own (see portalError).
var errThrottled = refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")

// Refuse answers with an error of the called service, in the words given.
func Refuse(status int, code, message string) Fault {
	text := strings.TrimRight(fmt.Sprintf("refuse=%d %s %s", status, code, message), " ")
	return failure(text, refuse(status, code, message))
}

// Throttle answers that there were too many calls.
func Throttle() Fault {
	return failure("throttle", errThrottled)
}

func failure(text string, e error) Fault {
	return Fault{text: text, instead: true, spoil: func(s *Server, w http.ResponseWriter, r *http.Request, _ answer) {
		a := failed(r, e)
		a.date = s.Now()
		a.write(w)
	}}
}

// Slow runs the action at once and answers d later; it stops waiting when the caller
// hangs up.
func Slow(d time.Duration) Fault {
	return Fault{text: "slow=" + d.String(), spoil: func(s *Server, w http.ResponseWriter, r *http.Request, a answer) {
		select {
		case <-time.After(d):
			a.write(w)
		case <-r.Context().Done():
		case <-s.closed:
			hangUp(w, false)
		}
	}}
}

// Empty answers 200 without a body.
func Empty() Fault { return page("empty", "text/xml", "") }

// Portal answers 200 with a page of HTML, as a captive portal (hotel Wi-Fi) does.
func Portal() Fault {
	return page("portal", "text/html", "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in to use the network.</body></html>\n")
}

func page(text, contentType, body string) Fault {
	return Fault{text: text, instead: true, spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ answer) {
		w.Header().Set("Content-Type", contentType)
		w.Write([]byte(body))
	}}
}

// Redirect answers 302 to another address.
func Redirect(url string) Fault {
	return Fault{text: "redirect=" + url, instead: true, spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ answer) {
		w.Header().Set("Location", url)
		w.WriteHeader(http.StatusFound)
	}}
}

// Truncated sends the first half of the document as if it were all.
func Truncated() Fault {
	return Fault{text: "truncated", spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = a.body[:len(a.body)/2]
		a.write(w)
	}}
}

// Expired makes sessions that ended a minute ago.
func Expired() Fault { return Fault{text: "expired", life: -time.Minute} }

// WrongDate moves the answer's Date header by d, and nothing else.
func WrongDate(d time.Duration) Fault {
	return Fault{text: "date=" + d.String(), spoil: func(_ *Server, w http.ResponseWriter, _ *http.Request, a answer) {
		a.date = a.date.Add(d)
		a.write(w)
	}}
}

// ParseFault reads drop, reset, lost, throttle, empty, portal, truncated, expired,
// status=503, slow=2s, date=-10m, redirect=URL or "refuse=400 CODE MESSAGE".
func ParseFault(text string) (Fault, error) {
	for _, f := range []Fault{Drop(), Reset(), Lost(), Throttle(), Empty(), Portal(), Truncated(), Expired()} {
		if f.text == text {
			return f, nil
		}
	}
	name, value, _ := strings.Cut(text, "=")
	n, notNumber := strconv.Atoi(value)
	d, notDuration := time.ParseDuration(value)
	switch {
	case name == "status" && notNumber == nil && 500 <= n && n <= 599:
		return Status(n), nil
	case name == "slow" && notDuration == nil:
		return Slow(d), nil
	case name == "date" && notDuration == nil:
		return WrongDate(d), nil
	case name == "refuse":
		status, rest, _ := strings.Cut(value, " ")
		code, message, _ := strings.Cut(rest, " ")
		if n, err := strconv.Atoi(status); err == nil && 400 <= n && n <= 599 && code != "" {
			return Refuse(n, code, message), nil
		}
	case name == "redirect" && value != "":
		return Redirect(value), nil
	}
	return Fault{}, fmt.Errorf("unknown fault %q", text)
}
