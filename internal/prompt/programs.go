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

// The programs that ask. What others wrote (profile, serial, program) is in the
// question, so it reaches them as data: an argument, standard input or a
// variable, never as part of a script, of markup or of a shell's line.

// finder returns the path of a program that can ask now, or why there is none.
type finder func() (path string, err error)

// asker runs it.
type asker func(ctx context.Context, path string, q Question) (string, error)

// program is a prompter that is a program.
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

// machine is one that answers without a person, or with no more than a touch.
func machine(name string, find finder, ask asker) Prompter {
	p := program(name, find, ask)
	p.Machine = true
	return p
}

// desktop is the place of all windows.
const desktop = "desktop"

// window is one that opens a window, and no other at the same time.
func (w World) window(name string, find finder, ask asker) Prompter {
	return program(name, find, func(ctx context.Context, path string, q Question) (string, error) {
		if w.Alone != nil {
			release, err := w.Alone(ctx, desktop)
			if err != nil {
				return "", err
			}
			defer release()
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

// onDesktop finds a program that opens a window.
func (w World) onDesktop(program string) finder {
	return func() (string, error) {
		if err := w.display(); err != nil {
			return "", err
		}
		return w.find(program)()
	}
}

// onDesktopOf finds one that comes with a system.
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
			return ErrNoDisplay // the desktop is in front of somebody else
		}
		return nil
	case w.Getenv("DISPLAY") == "" && w.Getenv("WAYLAND_DISPLAY") == "":
		return ErrNoDisplay
	}
	return nil
}

// title is that of a window, which does not show by itself who opened it.
func (q Question) title() string { return "fob: " + q.Title }

// lines is the question for a window, which may be narrow: a long name does not
// push out of it what comes after, nor pass for it.
func (q Question) lines() string {
	return strings.Join(append([]string{q.Text}, q.About...), "\n")
}

// message is the question and what was wrong.
func (q Question) message() string {
	if q.Problem != "" {
		return q.Problem + "\n" + q.lines()
	}
	return q.lines()
}

// run runs a program that prints the answer. cancelled tells from how it failed
// whether the person said no; otherwise it could not ask.
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

// closed: exit code 1 is the button Cancel, and also what toolkits do if the
// display that a variable names does not answer. Then they say so.
func closed(e *helper.FailedError) bool {
	return e.Code == 1 && !strings.Contains(strings.ToLower(e.Words), "display")
}

// findAskpass: FOB_ASKPASS is for fob, SSH_ASKPASS for when ssh would use it:
// with a display, or where SSH_ASKPASS_REQUIRE says so (ssh(1)).
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
	return w.run(ctx, helper.Program{Path: path, Args: []string{q.message()}}, closed)
}

// zenity's --entry knows no markup, but backslashes as C has them, and
// underscores before the key to press.
func (w World) zenity(ctx context.Context, path string, q Question) (string, error) {
	text := strings.NewReplacer(`\`, `\\`, "_", "__").Replace(q.message())
	args := []string{"--entry", "--title=" + q.title(), "--text=" + text}
	if q.Secret {
		args = append(args, "--hide-text")
	}
	return w.run(ctx, helper.Program{Path: path, Args: args}, closed)
}

// kdialog takes text that looks like HTML for HTML, so it gets HTML. It reads
// \n and \\ as C does.
func (w World) kdialog(ctx context.Context, path string, q Question) (string, error) {
	kind, text := "--password", q.message()
	if !q.Secret {
		// This one takes an ampersand for the sign before the key to press, even in HTML.
		kind, text = "--inputbox", strings.ReplaceAll(text, "&", "&&")
	}
	text = "<qt>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") + "</qt>"
	return w.run(ctx, helper.Program{Path: path,
		Args: []string{"--title", q.title(), kind, strings.ReplaceAll(text, `\`, `\\`)}}, closed)
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
		// Every failure is exit code 1; this one is userCanceledErr.
		func(e *helper.FailedError) bool { return strings.Contains(e.Words, "(-128)") })
}

func (q Question) kind() string {
	if q.Secret {
		return "secret"
	}
	return "open"
}

// powerShell finds its question in variables, because PowerShell has no
// arguments that are only data beside -EncodedCommand.
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
	}, func(e *helper.FailedError) bool { return e.Code == 130 }) // 1 is an error in the script
}

// encodeCommand is base64 of UTF-16LE (about_PowerShell_exe).
func encodeCommand(script string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(script)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// ykman computes the code on a YubiKey, of the account that is named like the
// device, or as YKMAN_OATH_CREDENTIAL_NAME says, which aws-vault reads too.
func (w World) ykman(ctx context.Context, path string, q Question) (string, error) {
	if q.Serial == "" {
		return "", &notReadyError{errAbsent}
	}
	account := w.Getenv("YKMAN_OATH_CREDENTIAL_NAME")
	if account == "" {
		account = q.Serial
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
