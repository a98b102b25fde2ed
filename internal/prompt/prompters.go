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
	// Ready returns nil if it can ask now, or why not. It is quick and shows
	// nothing.
	Ready func() error
	// Ask returns what the person answered, as it is. Its errors end the
	// search for a person, but for those that say that it cannot ask now, after
	// which the next prompter is tried.
	Ask func(context.Context, Question) (creds.Secret, error)
	// Machine: it finds the code by itself, so it is only used by name, and gives
	// the same one until the next step.
	Machine bool
}

// World is what prompters find around them. Prompters that nobody asks with need
// none of it.
type World struct {
	// System is the operating system, by Go's name.
	System string
	// Getenv is the environment, and LookPath finds a program in it.
	Getenv   func(string) string
	LookPath func(string) (string, error)
	// Environ is what the programs that ask inherit. It holds no secret.
	Environ func() []string
	// Stderr is where a program says that a key wants to be touched.
	Stderr io.Writer
	// Alone is as in term.Terminal, for desktops too.
	Alone func(ctx context.Context, place string) (release func(), err error)
}

// Prompters returns the ways to ask, best first: a prompt where the person is
// looking already comes before one that opens a window, and what the user has
// chosen before what happens to be there.
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

// Names are the values that choose a prompter: Auto, and the names of all of them.
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
