package prompt

import (
	"context"
	"io"

	"fob/internal/creds"
	"fob/internal/term"
)

// Prompter is a way to ask a person.
type Prompter struct {
	Name string
	// Ready returns nil if the prompter can ask now, or the reason why not. It is
	// quick and shows nothing.
	Ready func() error
	// Ask returns the answer, unchanged. If its error says that this prompter
	// cannot ask now, the next one is tried; all other errors are final.
	Ask func(context.Context, Question) (creds.Secret, error)
	// Machine means that the prompter finds the code itself. It is used only if
	// the user names it, and it gives the same code until the next time step.
	Machine bool
}

// World is what prompters need from the computer. It may be empty if only their
// names are wanted.
type World struct {
	// System is the operating system, by Go's name.
	System string
	// Getenv is the environment, and LookPath finds a program in it.
	Getenv   func(string) string
	LookPath func(string) (string, error)
	// Service reports whether nobody sees this process's windows. It is only asked on
	// Windows; nil means no.
	Service func() bool
	// Environ is the environment of the programs that ask. It contains no secret.
	Environ func() []string
	// Stderr shows a program's request to touch a security key.
	Stderr io.Writer
	// Waiting is called when the program of this name begins to ask, and what it returns
	// when it has ended; nil for nothing.
	Waiting func(program string) (done func())
	// Alone is like Terminal.Alone of package term, for desktops too.
	Alone func(ctx context.Context, place string) (release func(), err error)
}

// Prompters returns the ways to ask, best first. A prompt in the terminal, where
// the person is looking, comes before one that opens a window, and a program that
// the user has chosen before one that happens to be installed.
func Prompters(w World) []Prompter {
	return []Prompter{
		{Name: "tty", Ready: ttyReady, Ask: w.askTTY},
		w.window("askpass", w.findAskpass, w.askpass),
		w.window("pinentry", w.findPinentry, w.pinentry),
		w.window("zenity", w.onDesktop("zenity"), w.zenity),
		w.window("kdialog", w.onDesktop("kdialog"), w.kdialog),
		w.window("osascript", w.onDesktopOf("darwin", "osascript"), w.osascript),
		w.window("powershell", w.onDesktopOf("windows", "powershell.exe"), w.powershell),
		machine("ykman", w.find("ykman"), w.ykman),
	}
}

// Names returns the values of --mfa-prompt: Auto and the names of the prompters.
func Names() []string {
	all := []string{Auto}
	for _, p := range Prompters(World{}) {
		all = append(all, p.Name)
	}
	return all
}

func ttyReady() error {
	t, err := term.Open()
	if err != nil {
		return err
	}
	return t.Close()
}

func (w World) askTTY(ctx context.Context, q Question) (creds.Secret, error) {
	t, err := term.Open()
	if err != nil {
		return creds.Secret{}, err
	}
	defer t.Close()
	t.Alone = w.Alone
	if q.Problem != "" {
		if err := t.Print(ctx, q.Problem+"\n"); err != nil {
			return creds.Secret{}, err
		}
	}
	if q.Secret {
		return t.AskPassphrase(ctx, q.line())
	}
	answer, err := t.Ask(ctx, q.line())
	return creds.NewSecret(answer), err
}
