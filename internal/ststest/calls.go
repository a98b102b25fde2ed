package ststest

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"time"
)

// A Call is what the server remembers of a request: no secret, and only the key ID
// of the credentials.
type Call struct {
	Time   time.Time         `json:"time"` // on the server's clock
	Action string            `json:"action"`
	Key    string            `json:"key,omitempty"`    // access key ID claimed; empty if unsigned
	Region string            `json:"region,omitempty"` // signed for
	Host   string            `json:"host"`
	Params map[string]string `json:"params,omitempty"` // without Action and Version; codes and tokens redacted
	// Code is the result of the action: "OK" or AWS's error code; empty if a fault
	// happened instead of the action. A fault may have kept it from the caller.
	Code      string `json:"code,omitempty"`
	Fault     string `json:"fault,omitempty"` // as ParseFault reads it
	Conn      int    `json:"conn"`            // number of the connection, from 1
	UserAgent string `json:"user_agent,omitempty"`
}

// callLog needs the server's lock.
type callLog struct {
	calls []Call
	file  *os.File // nil: none
	err   error    // the first of writing
}

func (l *callLog) add(c Call) {
	l.calls = append(l.calls, c)
	if l.file == nil || l.err != nil {
		return
	}
	line, err := json.Marshal(c)
	if err == nil {
		// One write, so that several servers may append to one file.
		_, err = l.file.Write(append(line, '\n'))
	}
	l.err = err
}

func (l *callLog) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	if l.err != nil {
		return l.err
	}
	return err
}

// Calls returns every call since the start or ResetCalls, oldest first. The server
// records a call before it sends the answer.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.calls)
}

// ResetCalls forgets the calls so far; the log file keeps them.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.calls = nil
}

func redact(form url.Values) map[string]string {
	params := make(map[string]string)
	for name, values := range form {
		switch name {
		case "Action", "Version":
		case "TokenCode", "WebIdentityToken", "SAMLAssertion", "AuthenticationCode1", "AuthenticationCode2":
			params[name] = "[redacted]"
		default:
			params[name] = values[0]
		}
	}
	return params
}
