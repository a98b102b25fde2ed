package main

import (
	"context"
	"os"
	"runtime"

	"fob/internal/host"
	"fob/internal/input"
	"fob/internal/later"
	"fob/internal/signin"
)

// renewArg is the argument of the process that renews a sign-in. It is fob itself, and
// survives the fob that started it.
const renewArg = "__renew"

// maxRenewal is far more than a request has, in bytes.
const maxRenewal = 64 << 10

// apart has another process renew sign-ins. Windows ends a console's processes together,
// so there it would survive nothing.
func (a *app) apart() func(ctx context.Context, request []byte) ([]byte, error) {
	if runtime.GOOS == "windows" {
		return nil
	}
	return func(ctx context.Context, request []byte) ([]byte, error) {
		program, err := host.Self()
		if err != nil {
			return nil, err
		}
		return signin.Process(ctx, program, renewArg, a.helperEnviron(""), request)
	}
}

// renew is that process: a request on standard input, the answer on standard output.
func (p program) renew(args []string) int {
	proc := newStart(args)
	ctx, stop := later.Context(notify)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, signin.RenewTime)
	defer cancel()
	a, err := newApp(ctx, p, proc, commandLine{setBy: func(string) string { return "" }})
	if err != nil {
		return exitFailed
	}
	request, err := input.All(os.Stdin, maxRenewal)
	if err != nil {
		return exitFailed
	}
	answer, err := a.signer(nil).Renew(ctx, []byte(request))
	if err == nil {
		_, err = os.Stdout.Write(answer)
	}
	if err != nil {
		return exitFailed
	}
	return 0
}
