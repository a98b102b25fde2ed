// Package ststest is a strict fake AWS on a loopback address, for fob's tests
// and for trying fob without an account.
//
// It speaks the AWS query protocol: signatures (Signature Version 4), clock
// skew, lifetimes, trust policies and MFA codes are checked as AWS checks
// them, and refusals carry AWS's codes, statuses and words. What AWS accepts
// only once, it accepts only once. On demand it fails in the ways networks,
// proxies and clocks fail (see Fault), and it keeps a log of every call
// without the secrets that were in it.
//
// It will not listen on an address that is not loopback, and it is no model
// of IAM's policies: every user may call sts:AssumeRole, sts:TagSession and
// sts:SetSourceIdentity, and only a role's trust policy says no; every user may
// manage its own MFA devices, until a test denies it (Deny, DemandMFA). What depends
// on a session's MFA context in *permissions* is represented by one invented
// action, ListThings: it answers sessions made by GetSessionToken with an MFA
// code, and nobody else. Credentials from AssumeRole never carry that context.
//
// Other processes drive it through POST /_control (see order); cmd is a main
// that starts it with the world of AddDemo.
//
// A further service is a service value and rows in the table of actions.go.
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
	"time"
)

// Config says how a Server starts. The zero value is plain http on a free
// port of 127.0.0.1.
type Config struct {
	// Addr is the loopback HOST:PORT to listen on; empty means 127.0.0.1:0.
	Addr string
	// TLS makes it https, with a certificate signed for this server only (CAPEM).
	TLS bool
	// LogFile gets each Call as a line of JSON, appended.
	LogFile string
	// SessionLife, if not 0, is how long every new session lives, whatever was
	// asked for and below AWS's minimum too: a test need not wait 15 minutes.
	SessionLife time.Duration
}

// Server is a running fake. All methods are safe for concurrent use.
type Server struct {
	// URL is the endpoint, for AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_IAM.
	URL string
	// CAPEM is the certificate to trust, in PEM, if the server speaks TLS.
	CAPEM []byte

	http   *http.Server
	closed chan struct{}
	served chan struct{}

	mu      sync.Mutex
	offset  time.Duration // of the server's clock from the machine's
	life    time.Duration
	regions Regions
	world   world
	faults  []plannedFault
	log     callLog
}

// Regions says where STS does not work. The region of a call is the one it is
// signed for.
type Regions struct {
	// Disabled answer RegionDisabledException.
	Disabled []string `json:"disabled"`
	// HomeOnly makes every region but Home answer InvalidClientTokenId, as AWS
	// does for a key too new to be known everywhere.
	HomeOnly bool `json:"home_only"`
	// Home is us-east-1 if empty.
	Home string `json:"home"`
}

// NotLoopbackError is the refusal to listen where other machines could call.
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
		URL:    "http://" + l.Addr().String(),
		closed: make(chan struct{}),
		served: make(chan struct{}),
		life:   c.SessionLife,
		world:  newWorld(),
	}
	if c.TLS {
		cert, ca, err := certificate()
		if err != nil {
			l.Close()
			return nil, err
		}
		s.URL, s.CAPEM = "https://"+l.Addr().String(), ca
		// No HTTP/2: a fault is done to a connection, which belongs to one call.
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
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
	var conns int // ConnContext is called by the one accepting goroutine
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.handle)
	mux.HandleFunc("POST /_control", s.control)
	s.http = &http.Server{
		Handler: mux,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			conns++
			return context.WithValue(ctx, connKey{}, conns)
		},
		// Clients that refuse the certificate or hang up are what tests are about.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		s.http.Serve(l) // always an error; after Close it says so, and nobody asks
		close(s.served)
	}()
}

// Close ends the server and every connection, at once. It returns the first
// error of writing the log file.
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

// now needs s.mu.
func (s *Server) now() time.Time { return time.Now().Add(s.offset).UTC() }

// Advance moves the server's clock by d, which may be negative. A caller whose
// clock is then more than five minutes away is refused, as by AWS; AgeSessions
// makes time pass for the sessions only.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
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
