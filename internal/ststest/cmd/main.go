// Command cmd runs ststest by hand, so that you can try fob without an AWS account:
//
//	go run ./internal/ststest/cmd [--addr 127.0.0.1:PORT] [--log FILE] [--env FILE]
//
// It prints on stdout the lines for a shell that point AWS tools to it, and on stderr
// the contents of its demo world. --env also writes the lines to a file, all at once
// and only when it listens, so that a script can wait for the file. It runs until
// SIGINT or SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"fob/internal/ststest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "ststest: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("ststest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:0", "loopback `address` to listen on")
	log := flags.String("log", "", "`file` to append each call to, as a line of JSON")
	env := flags.String("env", "", "`file` to write the export lines to, once it listens")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	s, err := ststest.Start(ststest.Config{Addr: *addr, LogFile: *log})
	if err != nil {
		return err
	}
	if err := announce(s, *env, stdout, stderr); err != nil {
		s.Close()
		return err
	}
	<-ctx.Done()
	return s.Close()
}

func announce(s *ststest.Server, env string, stdout, stderr io.Writer) error {
	if err := s.AddDemo(); err != nil {
		return err
	}
	lines := "export " + strings.Join(s.Environ(), " ") + "\n"
	fmt.Fprintf(stderr, `A fake AWS listens on %s. Nothing here is real.
  user    %s
  key     %s
  secret  %s
  MFA     %s
  seed    %s
  role    %s, with MFA
  Identity Center  %s in %s, user %s
  web identity     %s
  its role         %s
  parameter        %s in %s
  secret           %s in the same region
A code: curl --json '{"op":"code","serial":"%[5]s"}' %[1]s/_control
A token: curl --json '{"op":"web-token"}' %[1]s/_control
`, s.URL, ststest.DemoUser, ststest.DemoKeyID, ststest.DemoSecret, ststest.DemoSerial, ststest.DemoSeed,
		ststest.DemoRole, ststest.DemoStartURL, ststest.DemoSSORegion, ststest.DemoSSOUser, ststest.DemoSubject, ststest.DemoWebRole,
		ststest.DemoDevParameter, ststest.DemoRegion, ststest.DemoDevSecret)
	if _, err := io.WriteString(stdout, lines); err != nil {
		return err
	}
	if env == "" {
		return nil
	}
	return writeFile(env, lines)
}

// writeFile writes a file in one step: a reader sees the whole text or no file.
func writeFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
