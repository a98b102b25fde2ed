package prompt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf16"

	"fob/internal/creds"
	"fob/internal/helper"
	"fob/internal/term"
)

// The programs that ask. A question contains text from configs and other programs
// (profile, serial, program). It reaches the program as data, in an argument,
// standard input or a variable, and never as part of a script, of markup or of a
// shell command.

// finder returns the path of a program that can ask now, or the reason why there
// is none.
type finder func() (path string, err error)

// asker runs the program and returns the answer.
type asker func(ctx context.Context, path string, q Question) (string, error)

// program makes a prompter of a program.
func program(name string, find finder, ask asker) Prompter {
	return Prompter{
		Name: name,
		Ready: func() error {
			_, err := find()
			return err
		},
		Ask: func(ctx context.Context, q Question) (creds.Secret, error) {
			path, err := find()
			if err != nil {
				return creds.Secret{}, &notReadyError{err}
			}
			answer, err := ask(ctx, path, q)
			return creds.NewSecret(answer), err
		},
	}
}

// machine makes a prompter of a program that answers without a person, or needs
// only a touch.
func machine(name string, find finder, ask asker) Prompter {
	p := program(name, find, ask)
	p.Machine = true
	return p
}

// Desktop is the place, in the sense of World.Alone, of all windows.
const Desktop = "desktop"

// window makes a prompter of a program that opens a window. Only one fob at a time
// opens one.
func (w World) window(name string, find finder, ask asker) Prompter {
	return program(name, find, func(ctx context.Context, path string, q Question) (string, error) {
		if w.Alone != nil {
			release, err := w.Alone(ctx, Desktop)
			if err != nil {
				return "", err
			}
			defer release()
		}
		if w.Waiting != nil {
			defer w.Waiting(name)()
		}
		return ask(ctx, path, q)
	})
}

func (w World) find(program string) finder {
	return func() (string, error) {
		path, err := w.LookPath(program)
		if err != nil {
			return "", errAbsent
		}
		return path, nil
	}
}

// onDesktop finds a program that needs a desktop.
func (w World) onDesktop(program string) finder {
	return func() (string, error) {
		if err := w.display(); err != nil {
			return "", err
		}
		return w.find(program)()
	}
}

// onDesktopOf finds a program that needs the desktop of one operating system.
func (w World) onDesktopOf(system, program string) finder {
	return func() (string, error) {
		if w.System != system {
			return "", errAbsent
		}
		return w.onDesktop(program)()
	}
}

// display returns nil if a window can be opened where the person is.
func (w World) display() error {
	switch {
	case w.System == "darwin" || w.System == "windows":
		if w.Getenv("SSH_CONNECTION") != "" {
			return ErrNoDisplay // the person is at another computer
		}
		if w.System == "windows" && w.Service != nil && w.Service() {
			return ErrNoDisplay
		}
		return nil
	case w.Getenv("DISPLAY") == "" && w.Getenv("WAYLAND_DISPLAY") == "":
		return ErrNoDisplay
	}
	return nil
}

// title is the title of a window. It names fob, because a window does not show
// which program opened it.
func (q Question) title() string { return "fob: " + q.Title }

// lines is the question for a window, which may be narrow. Each part has a line of
// its own, so that a long name neither hides the next part nor looks like it.
func (q Question) lines() string {
	return strings.Join(append([]string{q.Text}, q.About...), "\n")
}

// message is the question, below the problem with the last answer.
func (q Question) message() string {
	if q.Problem != "" {
		return q.Problem + "\n" + q.lines()
	}
	return q.lines()
}

// run runs a program that prints the answer. If the program fails, cancelled
// reports whether the person said no; if not, the program could not ask.
func (w World) run(ctx context.Context, p helper.Program, cancelled func(*helper.FailedError) bool) (string, error) {
	p.Environ = append(slices.Clone(w.Environ()), p.Environ...)
	out, err := helper.Run(ctx, p)
	var failed *helper.FailedError
	switch {
	case errors.As(err, &failed) && cancelled(failed):
		return "", term.ErrCancelled
	case errors.As(err, &failed):
		return "", &notReadyError{err}
	case err != nil:
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(out), "\n"), "\r"), nil
}

// closedWindow reports whether the person closed the window or pressed Cancel,
// which is exit code 1. A toolkit that cannot open its display exits with 1 too,
// and prints that.
func closedWindow(e *helper.FailedError) bool {
	return e.Code == 1 && !strings.Contains(strings.ToLower(e.Words), "display")
}

// findAskpass finds the program that FOB_ASKPASS names, or SSH_ASKPASS under ssh's
// conditions: with a display, or as SSH_ASKPASS_REQUIRE says (ssh(1)).
func (w World) findAskpass() (string, error) {
	name, program := "FOB_ASKPASS", w.Getenv("FOB_ASKPASS")
	if program == "" {
		name, program = "SSH_ASKPASS", w.Getenv("SSH_ASKPASS")
		require := strings.ToLower(w.Getenv("SSH_ASKPASS_REQUIRE"))
		switch {
		case program == "" || require == "never":
			return "", errAbsent
		case require != "force" && w.display() != nil:
			return "", ErrNoDisplay
		}
	}
	path, err := w.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("no program %q (%s)", program, name)
	}
	return path, nil
}

func (w World) askpass(ctx context.Context, path string, q Question) (string, error) {
	text := q.message()
	if w.System == "windows" && helper.IsBatch(path) {
		text = strings.ReplaceAll(text, "\n", " ") // cmd.exe passes no line breaks on
	}
	return w.run(ctx, helper.Program{Path: path, Args: []string{text}}, closedWindow)
}

// zenity escapes backslashes and underscores: --entry knows no markup, but reads
// backslashes as C does and an underscore as the mark of a keyboard shortcut.
func (w World) zenity(ctx context.Context, path string, q Question) (string, error) {
	text := strings.NewReplacer(`\`, `\\`, "_", "__").Replace(q.message())
	args := []string{"--entry", "--title=" + q.title(), "--text=" + text}
	if q.Secret {
		args = append(args, "--hide-text")
	}
	return w.run(ctx, helper.Program{Path: path, Args: args}, closedWindow)
}

// kdialog gets HTML, because it reads text that looks like HTML as HTML. It also
// reads \n and \\ as C does.
func (w World) kdialog(ctx context.Context, path string, q Question) (string, error) {
	kind, text := "--password", q.message()
	if !q.Secret {
		// In an input box an ampersand marks a keyboard shortcut, even in HTML.
		kind, text = "--inputbox", strings.ReplaceAll(text, "&", "&&")
	}
	text = "<qt>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") + "</qt>"
	return w.run(ctx, helper.Program{Path: path,
		Args: []string{"--title", q.title(), kind, strings.ReplaceAll(text, `\`, `\\`)}}, closedWindow)
}

// appleScript takes the title, the text and whether the answer is secret.
const appleScript = `on run argv
	set {theTitle, theText, isSecret} to argv
	if isSecret is "secret" then
		set theReply to display dialog theText with title theTitle default answer "" with hidden answer
	else
		set theReply to display dialog theText with title theTitle default answer ""
	end if
	return text returned of theReply
end run`

func (w World) osascript(ctx context.Context, path string, q Question) (string, error) {
	return w.run(ctx, helper.Program{Path: path, Args: []string{"-e", appleScript, q.title(), q.message(), q.kind()}},
		// Every failure has exit code 1. -128 is userCanceledErr.
		func(e *helper.FailedError) bool { return strings.Contains(e.Words, "(-128)") })
}

func (q Question) kind() string {
	if q.Secret {
		return "secret"
	}
	return "open"
}

// powerShell reads its question from variables, because with -EncodedCommand
// PowerShell takes no arguments that are only data.
const powerShell = `$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
Add-Type -AssemblyName System.Windows.Forms
$form = New-Object Windows.Forms.Form -Property @{
	Text = $env:ASK_TITLE; AutoSize = $true; AutoSizeMode = 'GrowAndShrink'; Padding = 12
	StartPosition = 'CenterScreen'; FormBorderStyle = 'FixedDialog'; TopMost = $true
	MinimizeBox = $false; MaximizeBox = $false
}
$rows = New-Object Windows.Forms.FlowLayoutPanel -Property @{ FlowDirection = 'TopDown'; AutoSize = $true }
$text = New-Object Windows.Forms.Label -Property @{ Text = $env:ASK_TEXT; AutoSize = $true; UseMnemonic = $false }
$box = New-Object Windows.Forms.TextBox -Property @{ Width = 420; UseSystemPasswordChar = ($env:ASK_KIND -eq 'secret') }
$ok = New-Object Windows.Forms.Button -Property @{ Text = 'OK'; DialogResult = 'OK' }
$cancel = New-Object Windows.Forms.Button -Property @{ Text = 'Cancel'; DialogResult = 'Cancel' }
$rows.Controls.AddRange(@($text, $box, $ok, $cancel))
$form.Controls.Add($rows)
$form.AcceptButton = $ok
$form.CancelButton = $cancel
$form.Add_Shown({ $form.Activate(); $box.Select() })
if ($form.ShowDialog() -ne 'OK') { exit 130 }
[Console]::Out.Write($box.Text)`

func (w World) powershell(ctx context.Context, path string, q Question) (string, error) {
	return w.run(ctx, helper.Program{
		Path:    path,
		Args:    []string{"-NoProfile", "-NonInteractive", "-STA", "-EncodedCommand", encodeCommand(powerShell)},
		Environ: []string{"ASK_TITLE=" + q.title(), "ASK_TEXT=" + q.message(), "ASK_KIND=" + q.kind()},
	}, func(e *helper.FailedError) bool { return e.Code == 130 }) // 1 means that the script failed
}

// encodeCommand returns a script in base64 of UTF-16LE (about_PowerShell_exe).
func encodeCommand(script string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(script)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// ykman gets the code from a YubiKey. The account on the key has the name of the
// device, or the name in YKMAN_OATH_CREDENTIAL_NAME, which aws-vault reads too.
func (w World) ykman(ctx context.Context, path string, q Question) (string, error) {
	if q.Serial == "" {
		return "", &notReadyError{errAbsent}
	}
	account := w.Getenv("YKMAN_OATH_CREDENTIAL_NAME")
	if account == "" {
		account = q.Serial
	}
	if w.Waiting != nil {
		defer w.Waiting("ykman")()
	}
	out, err := helper.Run(ctx, helper.Program{
		Path:    path,
		Args:    []string{"oath", "accounts", "code", "--single", "--", account},
		Environ: w.Environ(),
		Stderr:  w.Stderr,
	})
	var failed *helper.FailedError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("ykman %w", err)
	}
	return string(out), err
}
