package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/prompt"
	"fob/internal/term"
	"fob/keyring"
)

// person opens the terminal, or says why nobody can be asked.
func (a *app) person(what string) (*term.Terminal, error) {
	if a.NoInput {
		return nil, &personError{What: what, Why: "--no-input"}
	}
	if a.terminal != nil {
		return a.terminal, nil
	}
	t, err := term.Open()
	if err != nil {
		return nil, &personError{What: what, Why: err.Error()}
	}
	t.Alone = a.alone
	a.terminal = t
	return t, nil
}

// confirm wants a yes to what cannot be taken back; a no is errDeclined.
func (a *app) confirm(question string) error {
	t, err := a.person("a yes")
	if err != nil {
		return fmt.Errorf("%w; --yes says it", err)
	}
	yes, err := t.Confirm(a.ctx, question, false)
	if err == nil && !yes {
		return errDeclined
	}
	return err
}

// prompters are the ways to ask a person, here and now, for a profile or, if it
// is "", for the store.
func (a *app) prompters(profile string) []prompt.Prompter {
	return prompt.Prompters(prompt.World{
		System:   runtime.GOOS,
		Getenv:   os.Getenv,
		LookPath: exec.LookPath,
		Environ:  func() []string { return a.helperEnviron(profile) },
		Stderr:   term.Foreign(a.stderr),
		Alone:    a.alone,
	})
}

// places is how many locks stand for all terminals and desktops: the files of
// locks stay, and there is a new terminal every day.
const places = 64

// alone keeps two fobs from asking at one place at once. It is taken after every
// other lock, and is a courtesy: where it cannot be had the question is asked.
func (a *app) alone(ctx context.Context, place string) (release func(), err error) {
	name := fmt.Sprintf("ask-%d", crc32.ChecksumIEEE([]byte(place))%places)
	lock, ok, err := a.store().TryLock(name)
	if err == nil && !ok {
		a.logf("waiting for another fob that asks here")
		lock, err = a.store().Lock(ctx, name)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		a.logf("nothing keeps another fob from asking at the same time: %v", err)
		return func() {}, nil
	}
	return func() { _ = lock.Unlock() }, nil // closing the file releases it in any case
}

// wait waits until what is there, and counts down on a terminal: one line, so it
// is to be shorter than any screen is wide.
func (a *app) wait(ctx context.Context, d time.Duration, what string) error {
	live := term.IsTerminal(os.Stderr) && !a.Quiet
	if !live {
		a.notef("waiting %d s for %s", ceilSeconds(d), what)
	}
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if live {
			fmt.Fprintf(a.stderr, "\r%-50s\r", "") // no escapes: any terminal takes this
		}
		if left <= 0 {
			return nil
		}
		if live {
			fmt.Fprintf(a.stderr, "fob: the next MFA code comes in %d s", ceilSeconds(left))
		}
		select {
		case <-time.After(min(left, (left-1)%time.Second+1)):
		case <-ctx.Done():
			if live {
				fmt.Fprintln(a.stderr)
			}
			return ctx.Err()
		}
	}
}

func ceilSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// passphrase is one that needs no person.
func (a *app) passphrase() (creds.Secret, bool, error) {
	text := a.secrets.passphrase
	var err error
	switch {
	case a.secrets.passphraseFD != "":
		text, err = readDescriptor(a.secrets.passphraseFD)
	case a.secrets.passphraseFile != "":
		text, err = readSmall(a.secrets.passphraseFile)
	case text == "":
		return creds.Secret{}, false, nil
	}
	if err != nil {
		return creds.Secret{}, false, err
	}
	return creds.NewSecret(strings.TrimSuffix(text, "\n")), true, nil
}

// ageIdentity is the file of the user's age identities; "" if none is named.
func (a *app) ageIdentity() string {
	path := cmp.Or(a.secrets.ageIdentity, a.AgeIdentity)
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home(), rest)
	}
	return path
}

const maxPassphrase = 64 << 10 // bytes; nobody types more

func readDescriptor(number string) (string, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 {
		return "", &usageError{Problem: "FOB_PASSPHRASE_FD is not the number of a descriptor"}
	}
	f := os.NewFile(uintptr(fd), "FOB_PASSPHRASE_FD")
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPassphrase))
	if err != nil {
		return "", fmt.Errorf("FOB_PASSPHRASE_FD: %v", errors.Unwrap(err))
	}
	return string(text), nil
}

func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("FOB_PASSPHRASE_FILE: %s", plainPath(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPassphrase))
	if err != nil {
		return "", fmt.Errorf("FOB_PASSPHRASE_FILE: %s", plainPath(err))
	}
	return string(text), nil
}

// askPassphrase asks a person what the store wants to know.
func (a *app) askPassphrase(ctx context.Context, q keyring.Question) (passphrase creds.Secret, err error) {
	title, what, secret := "Passphrase", "the store's passphrase", true
	hint := ""
	if runtime.GOOS == "linux" && os.Getenv("FOB_UNLOCK_TTL") == "" && a.unlock.sessions == 0 {
		hint = "FOB_UNLOCK_TTL=12h   lets the kernel keep it unlocked here; or FOB_PASSPHRASE_FILE names a file with the passphrase"
	}
	if a.NoInput {
		return creds.Secret{}, &personError{What: what, Why: "--no-input", Hint: hint}
	}
	text := "Passphrase of the store in " + term.Clean(tilde(q.Store))
	var about []string
	switch q.Kind {
	case keyring.AskPassphrase:
		if a.asker != nil {
			about = prompt.For(a.asker())
		}
	case keyring.AskNewPassphrase:
		text = "New passphrase"
		what = "a new passphrase"
	case keyring.AskNewPassphraseAgain:
		text = "Again"
	case keyring.AskPlugin:
		program := "age-plugin-" + term.Clean(q.Plugin)
		title, what, secret = program, "an answer to "+program, q.Secret
		text = program + ": " + strings.TrimRight(term.Clean(q.Text), ": ")
	}
	_, err = prompt.Ask(ctx, a.prompters(""),
		prompt.Question{Title: title, Text: text, About: about, Problem: term.Clean(q.Problem), Secret: secret},
		func(answer creds.Secret) error { passphrase = answer; return nil })
	var nobody *prompt.NoPersonError
	if errors.As(err, &nobody) {
		err = &personError{What: what, Why: nobody.Reasons(), Hint: hint}
	}
	return passphrase, err
}
