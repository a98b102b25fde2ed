package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"fob/internal/dbusguard"
)

// Desktop keyrings are called in a child: the same program, started with
// ChildArg. The library under them dials D-Bus when a program starts, waits
// without end and can panic; in a child that is one error, and a deadline is a
// kill. One line of JSON goes each way over a socket.

// ChildArg is the only argument of the hidden child. main calls ChildMain for it.
const ChildArg = dbusguard.ChildArg

const (
	// A keyring that needs no person answers in some milliseconds.
	childDeadline = 5 * time.Second
	// A person has seen the prompt by then, or looks elsewhere.
	waitingAfter = 1500 * time.Millisecond

	childFD      = 3
	maxChildLine = 128 << 10
)

// Operations of a request.
const (
	opGet    = "get"
	opSet    = "set" // never replaces
	opRemove = "remove"
)

type request struct {
	Op      string `json:"op"`
	Kind    string `json:"kind"`
	Item    string `json:"item"`
	Payload string `json:"payload,omitempty"`
	Address string `json:"address"`           // of the session bus
	Display bool   `json:"display,omitempty"` // there is a desktop
	Prompt  bool   `json:"prompt,omitempty"`  // and it may be used
}

type answer struct {
	Payload string        `json:"payload,omitempty"`
	Locked  *LockedError  `json:"locked,omitempty"`
	Lost    *LostError    `json:"lost,omitempty"`
	Failed  *BackendError `json:"failed,omitempty"`
}

// ChildMain is the hidden child's work. It returns the exit code.
func ChildMain() int {
	conn := os.NewFile(childFD, "parent")
	line, err := io.ReadAll(io.LimitReader(conn, maxChildLine))
	var r request
	if err != nil || json.Unmarshal(line, &r) != nil {
		return 2 // started by hand
	}
	var a answer
	if b, ok := backendOf(r.Kind); ok {
		a.Payload, err = b.serve(r)
	} else {
		err = &BackendError{r.Kind, "unknown"}
	}
	if err != nil && !errors.As(err, &a.Locked) && !errors.As(err, &a.Lost) && !errors.As(err, &a.Failed) {
		a.Failed = &BackendError{r.Kind, err.Error()}
	}
	if _, err := conn.Write(append(encodeJSON(a), '\n')); err != nil {
		return 1
	}
	return 0
}

// call has a request done by a child. Without a prompt it takes at most childDeadline.
func (s *Store) call(ctx context.Context, b backend, r request) (string, error) {
	r.Address, r.Display = s.opts.DBusAddress, s.opts.Display
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if r.Prompt {
		if s.opts.Waiting != nil {
			t := time.AfterFunc(waitingAfter, func() { s.opts.Waiting(r.Kind) })
			defer t.Stop()
		}
	} else {
		late := &BackendError{r.Kind, "no answer for " + childDeadline.String()}
		t := time.AfterFunc(childDeadline, func() { cancel(late) })
		defer t.Stop()
	}
	line, err := runChild(ctx, append(encodeJSON(r), '\n'), s.childEnviron(b))
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", &BackendError{r.Kind, "no helper process: " + err.Error()}
	}
	var a answer
	switch err := json.Unmarshal(bytes.TrimSpace(line), &a); {
	case err != nil:
		return "", &BackendError{r.Kind, "its helper process died"} // its words may hold anything
	case a.Locked != nil:
		return "", a.Locked
	case a.Lost != nil:
		return "", a.Lost
	case a.Failed != nil:
		return "", a.Failed
	}
	return a.Payload, nil
}

// childEnviron is the whole environment of the child. The library would dial a
// bus that it has no business with.
func (s *Store) childEnviron(b backend) []string {
	address := dbusguard.Nowhere
	if b.bus {
		address = s.opts.DBusAddress
	}
	environ := []string{"DBUS_SESSION_BUS_ADDRESS=" + address}
	if b.environ == nil {
		return environ
	}
	for _, name := range b.environ() {
		if v := s.getenv(name); v != "" {
			environ = append(environ, name+"="+v)
		}
	}
	return environ
}

func (s *Store) getenv(name string) string {
	if s.opts.Getenv == nil {
		return ""
	}
	return s.opts.Getenv(name)
}
