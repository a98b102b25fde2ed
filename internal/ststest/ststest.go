// Package ststest is a strict fake AWS on a loopback address, for fob's tests
// and for trying fob without an account.
//
// The fake speaks the AWS query protocol. It checks signatures (Signature Version
// 4), clock skew, lifetimes, trust policies and MFA codes as AWS checks them, and
// refuses with AWS's codes, statuses and words. If AWS accepts something only once,
// so does the fake. On demand it fails as networks, proxies and clocks fail (see
// Fault). It logs every call, without the secrets in the call.
//
// The fake listens only on loopback addresses, and does not model IAM's policies:
// every user may call sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity, and
// only a role's trust policy can deny; every user may manage its own MFA devices and
// access keys, until a test denies that (Deny, DemandMFA). One invented action, ListThings, stands
// for permissions that depend on a session's MFA context: it answers sessions made by
// GetSessionToken with an MFA code, and nobody else. Credentials from AssumeRole never
// carry that context.
//
// It also speaks JSON as IAM Identity Center does: a program registers, is sent to a
// page in the browser (see Person, Browse), gets tokens, and with them credentials of the
// fake's world (see Instance, PermissionSet). In the same way AWS Sign-In gives a program
// the credentials of the person at the console, and checks the proofs of the program's key.
//
// Other processes control the fake with POST /_control (see order); cmd is a main
// that starts it with the world of AddDemo.
//
// Systems Manager's parameters and Secrets Manager's secrets are read as they are from AWS
// (see Parameter, Secret); who may do so is a matter of Deny, on all or on some of them.
//
// To add a service, add a service value and rows in the table of actions.go, or rows in
// that of visit.go or of target.go if it does not speak the query protocol.
package ststest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a Server starts. The zero value is plain http on a free
// port of 127.0.0.1.
type Config struct {
	// Addr is the loopback HOST:PORT to listen on; empty means 127.0.0.1:0.
	Addr string
	// TLS makes it https, with a certificate signed for this server only (CAPEM).
	TLS bool
	// Proxy makes it a proxy for AWS's own hosts too: a program that trusts CAPEM, and has
	// URL as its HTTPS_PROXY, calls the server by their names.
	Proxy bool
	// LogFile gets each Call as a line of JSON, appended.
	LogFile string
	// SessionLife, if not 0, is how long every new session lives, whatever the caller
	// asked for. It may be below AWS's minimum, so that a test need not wait 15 minutes.
	SessionLife time.Duration
}

// Server is a running fake. All methods are safe for concurrent use.
type Server struct {
	// URL is the endpoint of every service; see Environ.
	URL string
	// CAPEM is the certificate to trust, in PEM, if the server speaks TLS or is a proxy.
	CAPEM []byte

	http    *http.Server
	ca      *authority
	tunnels *tunnels // nil without Config.Proxy
	closed  chan struct{}
	served  chan struct{}

	mu      sync.Mutex
	offset  time.Duration // of the server's clock from the machine's
	stopped time.Time     // if not zero, what the server's clock shows
	life    time.Duration
	regions Regions
	world   world
	center  center
	console console
	person  Person
	faults  []plannedFault
	log     callLog
}

// Environ lists the variables that point AWS tools to the server, as NAME=VALUE.
func (s *Server) Environ() []string {
	var list []string
	for _, service := range []string{"STS", "IAM", "SSO", "SSO_OIDC", "SIGNIN", "SSM", "SECRETS_MANAGER"} {
		list = append(list, "AWS_ENDPOINT_URL_"+service+"="+s.URL)
	}
	return list
}

// Regions says where STS does not work. The region of a call is the one in its
// signature.
type Regions struct {
	// Disabled answer RegionDisabledException.
	Disabled []string `json:"disabled"`
	// HomeOnly makes every region but Home answer InvalidClientTokenId, as AWS
	// does for a key too new to be known everywhere.
	HomeOnly bool `json:"home_only"`
	// Home is that of the region's partition if empty.
	Home string `json:"home"`
}

// NotLoopbackError means that Addr is an address that other machines could call.
type NotLoopbackError struct{ Addr string }

func (e *NotLoopbackError) Error() string {
	return fmt.Sprintf("%q is not a loopback address", e.Addr)
}

// Start listens and serves until Close. Errors: *NotLoopbackError, and those
// of net.Listen and of opening the log file.
func Start(c Config) (*Server, error) {
	l, err := listen(c.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL:     "http://" + l.Addr().String(),
		closed:  make(chan struct{}),
		served:  make(chan struct{}),
		life:    c.SessionLife,
		world:   newWorld(),
		center:  newCenter(),
		console: newConsole(),
		person:  Person{Does: Approve},
	}
	if c.TLS || c.Proxy {
		if s.ca, err = newAuthority(); err != nil {
			l.Close()
			return nil, err
		}
		s.CAPEM = s.ca.pem
	}
	if c.Proxy {
		s.tunnels = newTunnels()
	}
	if c.TLS {
		cert, err := s.ca.issue("")
		if err != nil {
			l.Close()
			return nil, err
		}
		s.URL = "https://" + l.Addr().String()
		// No HTTP/2: a fault hits a connection, which must belong to one call.
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: []string{"http/1.1"}})
	}
	if c.LogFile != "" {
		s.log.file, err = os.OpenFile(c.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			l.Close()
			return nil, err
		}
	}
	s.serve(l)
	return s, nil
}

func listen(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	if !tcp.IP.IsLoopback() {
		return nil, &NotLoopbackError{addr}
	}
	return net.ListenTCP("tcp", tcp)
}

// connKey is the context key of a connection's number.
type connKey struct{}

func (s *Server) serve(l net.Listener) {
	var conns atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.handle)
	mux.HandleFunc("POST /_control", s.control)
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodConnect {
				s.tunnel(w, r)
				return
			}
			mux.ServeHTTP(w, r)
		}),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, int(conns.Add(1)))
		},
		// Tests make clients refuse the certificate or hang up: do not log that.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	if s.tunnels != nil {
		go s.http.Serve(s.tunnels) // until Close
	}
	go func() {
		s.http.Serve(l) // always returns an error: after Close, ErrServerClosed
		close(s.served)
	}()
}

// Close ends the server and every connection at once. It returns the first error
// from writing the log file.
func (s *Server) Close() error {
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		return nil
	default:
		close(s.closed)
	}
	s.mu.Unlock()
	err := s.http.Close()
	<-s.served
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.log.close())
}

// Now is the time on the server's clock, in UTC.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now needs the lock s.mu.
func (s *Server) now() time.Time {
	if !s.stopped.IsZero() {
		return s.stopped
	}
	return time.Now().Add(s.offset).UTC()
}

// StopClock makes the server's clock show t until it is moved by StopClock or Advance.
func (s *Server) StopClock(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = t.UTC()
}

// Advance moves the server's clock by d, which may be negative. Like AWS, the server
// then refuses a caller whose clock is more than five minutes off; AgeSessions makes
// time pass only for the sessions.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	if !s.stopped.IsZero() {
		s.stopped = s.stopped.Add(d)
	}
}

// SetSessionLife changes Config.SessionLife for the sessions to come.
func (s *Server) SetSessionLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = d
}

// SetRegions changes where STS works; the zero value is everywhere.
func (s *Server) SetRegions(r Regions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regions = r
}

// SetDevicePeriod changes how long a code lasts, from 30 s, of the virtual devices that
// will be created: a test need not wait for three codes of AWS's.
func (s *Server) SetDevicePeriod(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.period = d
}
