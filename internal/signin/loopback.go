package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// callbackPath is where the browser comes back to. AWS knows it from the registration,
// and takes any port.
const callbackPath = "/oauth/callback"

func callback(host string) string { return "http://" + host + callbackPath }

// DeniedError means that the sign-in page sent the browser back with an error. Code and
// Text are anybody's words: clean them before they reach a terminal.
type DeniedError struct{ To, Code, Text string }

func (e *DeniedError) Error() string {
	text := fmt.Sprintf("the sign-in to %s was not completed: %s", e.To, e.Code)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// returned is what the browser brought back.
type returned struct {
	code string
	// redirect is the address that it came to, as AWS was told.
	redirect string
	denied   *DeniedError
}

// browse opens the page that page returns the address of, and waits for the browser to
// come back with the state. It listens before the browser opens: one that is signed in
// comes back at once.
func (s *Signer) browse(ctx context.Context, needed *NeededError, page func(redirect, state string) string) (returned, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return returned{}, fmt.Errorf("cannot listen for the browser: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(s.Patience, browserTime), &LateError{To: needed.To, Browser: true})
	defer cancel()
	state := rand.Text()
	redirect := callback(listener.Addr().String())
	answers := make(chan returned, 1)
	var crowd guests
	server := &http.Server{
		ConnState:         crowd.note,
		Handler:           &desk{to: needed.To, host: listener.Addr().String(), state: state, answers: answers},
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what a stranger sends is not worth a word
	}
	go server.Serve(listener) // it ends with Shutdown or Close
	// The page that says that it is done must arrive; then nothing is left behind. Browsers
	// open connections to spare, for which Shutdown would wait.
	defer func() {
		crowd.closeSilent()
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(bye) != nil {
			server.Close()
		}
	}()
	address := page(redirect, state)
	s.Say("Opening your browser to sign in to %s.", needed.To)
	opened := make(chan error, 1)
	go func() { opened <- s.Browser(address) }()
	defer s.Waiting("waiting for your browser (Ctrl-C stops)")()
	for {
		select {
		case err := <-opened:
			if err == nil {
				continue
			}
			s.Say("No browser opened (%v). Open this address on this computer:", err)
			s.Say("    %s", address)
		case back := <-answers:
			back.redirect = redirect
			if back.denied != nil {
				return back, back.denied
			}
			return back, nil
		case <-ctx.Done():
			return returned{}, context.Cause(ctx)
		}
	}
}

// maxGuests is how many connections there are at once: far more than a browser opens, and
// far fewer than the files that a process may open.
const maxGuests = 64

// guests are the connections to the listener. Any user of this computer can open some:
// where there are too many, the oldest goes, because the browser's is new.
type guests struct {
	mu     sync.Mutex
	open   []net.Conn // the oldest first
	silent []net.Conn // those on which nothing was asked yet
}

// note is for http.Server.ConnState.
func (g *guests) note(c net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	is := func(other net.Conn) bool { return other == c }
	g.silent = slices.DeleteFunc(g.silent, is)
	switch state {
	case http.StateNew:
		g.open, g.silent = append(g.open, c), append(g.silent, c)
		if len(g.open) > maxGuests {
			g.open[0].Close() // the server then notes that it is closed
			g.open = g.open[1:]
		}
	case http.StateClosed:
		g.open = slices.DeleteFunc(g.open, is)
	}
}

func (g *guests) closeSilent() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.silent {
		c.Close()
	}
}

// desk answers the browser. The first answer with the right state counts; a wrong one
// changes nothing, or any page could end a sign-in. Another user of this computer can see the
// state in the browser's command line and end a sign-in with it; PKCE keeps them from
// getting it.
type desk struct {
	to, host, state string
	answers         chan returned
}

// ServeHTTP implements http.Handler.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Connection", "close")
	// Another name for this address is a page that tries to reach it from elsewhere.
	if r.Method != http.MethodGet || r.URL.Path != callbackPath || r.Host != d.host {
		w.WriteHeader(http.StatusNotFound)
		writePage(w, "Not found", "This address is only for the sign-in that fob is waiting for.")
		return
	}
	q := r.URL.Query()
	code, problem := q.Get("code"), q.Get("error")
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(d.state)) != 1 || (code == "") == (problem == "") {
		w.WriteHeader(http.StatusBadRequest)
		writePage(w, "Not this sign-in", "fob did not ask for this, and is still waiting. Close this tab, and use the page that fob opened last.")
		return
	}
	back := returned{code: code}
	if problem != "" {
		back.denied = &DeniedError{To: d.to, Code: short(problem), Text: short(q.Get("error_description"))}
	}
	select {
	case d.answers <- back:
	default: // the first one counts
	}
	if back.denied != nil {
		writePage(w, "Sign-in not completed", strings.TrimSuffix(back.denied.Code+": "+back.denied.Text, ": "))
		return
	}
	writePage(w, "Back to the terminal", "fob has its answer from AWS. You can close this tab.")
}

// maxWords is longer than any error of AWS's.
const maxWords = 300

// short is somebody else's text on one line of reasonable length.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "..."
	}
	return text
}

// writePage writes the only page there is. It has no script, no style and no address, so
// the policy may forbid them all.
func writePage(w io.Writer, title, text string) {
	const page = "<!doctype html>\n<html lang=\"en\">\n<meta name=\"color-scheme\" content=\"light dark\">\n" +
		"<title>fob: %s</title>\n<h1>%s</h1>\n<p>%s</p>\n"
	title, text = html.EscapeString(title), html.EscapeString(text)
	fmt.Fprintf(w, page, title, title, text)
}
