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
	// maxNamesLine is for the names of other programs' items, and of those looked for.
	maxNamesLine = 8 << 20
)

// answer is what the child sends back.
type answer struct {
	Payload string       `json:"payload,omitempty"`
	Locked  *LockedError `json:"locked,omitempty"`
	Lost    *LostError   `json:"lost,omitempty"`
	Failed  *Error       `json:"failed,omitempty"`

	// Names and Inside are of other programs' items.
	Names  []string `json:"names,omitempty"`
	Inside string   `json:"inside,omitempty"`
}

// ChildMain is what the hidden child does. It returns the exit code.
func ChildMain() int {
	conn := os.NewFile(helper.ExchangeFD, "parent")
	line, err := input.All(conn, maxNamesLine)
	var r request
	if err != nil || json.Unmarshal([]byte(line), &r) != nil {
		return 2 // started by hand
	}
	var a answer
	switch b, ok := Of(r.Kind); {
	case ok && r.Foreign == nil:
		a.Payload, err = b.serve(r)
	case ok && b.foreign != nil:
		a, err = b.serveForeign(r)
	default:
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

// callChild has a child carry out a request. There may be names beside an error.
func (b Backend) callChild(ctx context.Context, w World, r request) (a answer, err error) {
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
		return a, &Error{Backend: r.Kind, Reason: "no helper process: " + err.Error()}
	}
	limit := int64(maxChildLine)
	if r.Op == foreignNames {
		limit = maxNamesLine
	}
	child := helper.Program{Path: exe, Args: []string{ChildArg}, Environ: b.childEnviron(w)}
	line, err := helper.Exchange(ctx, child, encode(r), limit)
	if ctx.Err() != nil {
		return a, context.Cause(ctx)
	}
	if err != nil {
		return a, &Error{Backend: r.Kind, Reason: "no helper process: " + err.Error()}
	}
	switch err := json.Unmarshal(bytes.TrimSpace(line), &a); {
	case err != nil:
		return answer{}, &Error{Backend: r.Kind, Reason: "its helper process died"} // not its output, which may hold anything
	case a.Locked != nil:
		return a, a.Locked
	case a.Lost != nil:
		return a, a.Lost
	case a.Failed != nil:
		return a, a.Failed
	}
	return a, nil
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
