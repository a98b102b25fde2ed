package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"fob/internal/dbusguard"
	"fob/internal/helper"
	"fob/internal/host"
	"fob/internal/input"
)

// Desktop keyrings are called in a child: the same program, started with
// ChildArg. The library dials D-Bus when a program starts, can wait forever and
// can panic; in a child that is one error, and a deadline ends it. One line of
// JSON goes each way over a socket.

// ChildArg is the only argument of the hidden child. main calls ChildMain for it.
const ChildArg = dbusguard.ChildArg

const (
	// Deadline is how long a call without a prompt may take. A keyring that does
	// not need a person answers in milliseconds.
	Deadline = 5 * time.Second

	maxChildLine = 128 << 10
)

// answer is what the child sends back.
type answer struct {
	Payload string       `json:"payload,omitempty"`
	Locked  *LockedError `json:"locked,omitempty"`
	Lost    *LostError   `json:"lost,omitempty"`
	Failed  *Error       `json:"failed,omitempty"`
}

// ChildMain is what the hidden child does. It returns the exit code.
func ChildMain() int {
	conn := os.NewFile(helper.ExchangeFD, "parent")
	line, err := input.All(conn, maxChildLine)
	var r request
	if err != nil || json.Unmarshal([]byte(line), &r) != nil {
		return 2 // started by hand
	}
	var a answer
	if b, ok := Of(r.Kind); ok {
		a.Payload, err = b.serve(r)
	} else {
		err = &Error{Backend: r.Kind, Reason: "unknown"}
	}
	if err != nil && !errors.As(err, &a.Locked) && !errors.As(err, &a.Lost) && !errors.As(err, &a.Failed) {
		a.Failed = &Error{Backend: r.Kind, Reason: err.Error()}
	}
	if _, err := conn.Write(encode(a)); err != nil {
		return 1
	}
	return 0
}

// callChild has a child carry out a request.
func (b Backend) callChild(ctx context.Context, w World, r request) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if w.Waiting != nil {
		defer w.Waiting(r.Kind, r.Prompt)()
	}
	if !r.Prompt {
		late := &Error{Backend: r.Kind, Reason: "no answer for " + Deadline.String()}
		t := time.AfterFunc(Deadline, func() { cancel(late) })
		defer t.Stop()
	}
	exe, err := host.Self()
	if err != nil {
		return "", &Error{Backend: r.Kind, Reason: "no helper process: " + err.Error()}
	}
	child := helper.Program{Path: exe, Args: []string{ChildArg}, Environ: b.childEnviron(w)}
	line, err := helper.Exchange(ctx, child, encode(r), maxChildLine)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", &Error{Backend: r.Kind, Reason: "no helper process: " + err.Error()}
	}
	var a answer
	switch err := json.Unmarshal(bytes.TrimSpace(line), &a); {
	case err != nil:
		return "", &Error{Backend: r.Kind, Reason: "its helper process died"} // not its output, which may hold anything
	case a.Locked != nil:
		return "", a.Locked
	case a.Lost != nil:
		return "", a.Lost
	case a.Failed != nil:
		return "", a.Failed
	}
	return a.Payload, nil
}

// childEnviron is the whole environment of the child. Without an address that
// leads nowhere, the library would dial a bus that this backend does not use.
func (b Backend) childEnviron(w World) []string {
	address := dbusguard.Nowhere
	if b.Bus {
		address = w.DBusAddress
	}
	environ := []string{"DBUS_SESSION_BUS_ADDRESS=" + address}
	if b.environ == nil {
		return environ
	}
	for _, name := range b.environ() {
		if v := w.getenv(name); v != "" {
			environ = append(environ, name+"="+v)
		}
	}
	return environ
}

// encode returns v as one line of JSON.
func encode(v any) []byte {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own structs of strings and booleans
	}
	return append(line, '\n')
}
