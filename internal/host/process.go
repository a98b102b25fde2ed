package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// LateError ends a context whose time is over. It is a context.DeadlineExceeded, in
// words of fob's.
type LateError struct{ Budget time.Duration }

func (e *LateError) Error() string {
	return fmt.Sprintf("no answer in time (fob export gives up after %s)", e.Budget)
}
func (e *LateError) Unwrap() error { return context.DeadlineExceeded }

// ErrOrphaned ends a context when the program that asked is gone.
var ErrOrphaned = errors.New("the program that asked is gone")

// Caller is the process that started this one, and those that wait for it.
type Caller struct {
	pid int
	// waiting looks at the processes once. A program that is killed between two looks
	// would otherwise be taken for one that never was there.
	waiting func() []int
}

// Parent is the process that started this one, as of now. What waits for it is
// looked up when it is needed.
func Parent() Caller {
	pid := os.Getppid()
	return Caller{pid, sync.OnceValue(func() []int { return chain(pid) })}
}

// Name is the program that asks, looking through shells that only run one line
// for it; "" if the system does not tell.
func (c Caller) Name() string {
	all := c.waiting()
	return processOf(all[len(all)-1]).name
}

// Until ends a context a while after began, with a *LateError as its cause, or with
// the cause ErrOrphaned when the process that asked is gone: nobody would read the
// answer to a prompt.
func (c Caller) Until(ctx context.Context, began time.Time, budget time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithDeadlineCause(ctx, began.Add(budget), &LateError{budget})
	if c.pid == 1 {
		return ctx, stop
	}
	ctx, cancel := context.WithCancelCause(ctx)
	orphaned := watch(c.waiting())
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if orphaned() {
					cancel(ErrOrphaned)
				}
			}
		}
	}()
	return ctx, stop
}

// process is what the system tells about another process; zero if it has ended.
type process struct {
	name     string
	parent   int
	args     []string
	terminal string // pts/3; "" if it has none, or the system does not tell
}

// Terminal is the name of this process's controlling terminal, as ps shows it; "" if it
// has none, or the system does not tell.
func Terminal() string { return processOf(os.Getpid()).terminal }

// chain is the list of processes that wait for credentials, nearest first: the
// parent and, while that is a shell that runs one line for another program, its
// parent. The SDKs for Go and JavaScript start a credential_process that way.
func chain(parent int) []int {
	const deepest = 4
	all := []int{parent}
	for p := processOf(parent); len(all) < deepest && p.runsLine() && p.parent != 0; p = processOf(p.parent) {
		all = append(all, p.parent)
	}
	return all
}

// runsLine reports whether a process is a shell that runs one line: sh -c LINE, or
// cmd.exe /D /S /C LINE.
func (p process) runsLine() bool {
	if len(p.args) < 3 {
		return false
	}
	shell := strings.ToLower(p.args[0][strings.LastIndexAny(p.args[0], `/\`)+1:])
	if shell == "cmd" || shell == "cmd.exe" {
		for _, flag := range p.args[1:] {
			switch {
			case strings.EqualFold(flag, "/c"):
				return true
			case !strings.HasPrefix(flag, "/"):
				return false
			}
		}
		return false
	}
	return strings.HasSuffix(strings.TrimSuffix(shell, ".exe"), "sh") && p.args[1] == "-c"
}
