// Package ui talks to a person: it prints what fob has to say, and asks.
//
// Everything printed goes through a Printer, which cleans every argument: text
// that somebody else wrote (a config, AWS, the name of a program) can never move
// the cursor, start a new line or pass for a line of fob's, and what looks like a secret in
// it is hidden. Only format strings, which are fob's own, reach the screen as they are, and
// what other programs read: a document (Write) and lines (Lines).
package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/creds"
	"fob/internal/term"
)

// Printer prints. Answers go to Out, everything else to Err. It is safe for
// concurrent use, and writes each line and each document in one piece.
type Printer struct {
	Out, Err io.Writer
	// Quiet leaves only errors and what a program asked for (JSON, Print).
	Quiet bool
	// Verbose adds Logf's lines.
	Verbose bool
	// Color reports whether a stream has colors; nil for never. Finding out costs a
	// system call, so it is asked once for each stream, and not before there is
	// something to paint.
	Color func(stream io.Writer) bool
	// Tilde shortens a path for a person; nil leaves it as it is.
	Tilde func(path string) string

	// Patience is how long a wait may take before Waiting says so; 0 is a second.
	Patience time.Duration

	out, err coloring
	failed   failure
	waits    waits
}

// coloring is whether a stream has colors, once it is known.
type coloring struct {
	once sync.Once
	on   bool
}

// colored reports, when it is first asked, whether one of the two streams has colors.
func (p *Printer) colored(stream io.Writer) func() bool {
	c := &p.err
	if stream == p.Out {
		c = &p.out
	}
	return func() bool {
		c.once.Do(func() { c.on = p.Color != nil && p.Color(stream) })
		return c.on
	}
}

// Print writes to standard output, quiet or not.
func (p *Printer) Print(format string, args ...any) {
	fmt.Fprintf(output{p}, format, clean(args, p.colored(p.Out))...)
}

// Answer writes a line to standard output. With Quiet the exit code is the answer.
func (p *Printer) Answer(format string, args ...any) {
	if !p.Quiet {
		p.Print(format+"\n", args...)
	}
}

// Write writes a whole document to standard output: all of it in one piece.
func (p *Printer) Write(document []byte) error {
	_, err := output{p}.Write(document)
	return err
}

// Lines writes lines that somebody else wrote, such as a diff of their file, to standard
// output: as they are, for the next program, but on a terminal each one cleaned.
func (p *Printer) Lines(text string) error {
	if f, ok := p.Out.(*os.File); ok && term.IsTerminal(f) {
		var b strings.Builder
		for line := range strings.Lines(text) {
			line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
			b.WriteString(term.Clean(line) + "\n")
		}
		text = b.String()
	}
	return p.Write([]byte(text))
}

// JSON writes v to standard output, indented, with < > & as they are, and without what
// looks like a secret.
func (p *Printer) JSON(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return p.Write([]byte(creds.Hide(text.String())))
}

// Say writes a line to standard error.
func (p *Printer) Say(format string, args ...any) {
	if !p.Quiet {
		p.line(Styled{}, format, args)
	}
}

// Note says what the user should know.
func (p *Printer) Note(format string, args ...any) {
	if !p.Quiet {
		p.line(Dim.Text("fob: note:"), format, args)
	}
}

// Warn says what could harm the user.
func (p *Printer) Warn(format string, args ...any) {
	if !p.Quiet {
		p.line(Caution.Text("fob: warning:"), format, args)
	}
}

// Error says what went wrong.
func (p *Printer) Error(err error) {
	p.line(Bad.Text("fob: error:"), "%s", []any{p.Sentence(err)})
}

// Log says what is done, with Verbose.
func (p *Printer) Log(format string, args ...any) {
	if p.Verbose {
		p.line(Plain.Text("fob:"), format, args)
	}
}

// line writes a line, with paths in errors as people write them. On a terminal what
// stands behind a label is wrapped.
func (p *Printer) line(label Styled, format string, args []any) {
	args = slices.Clone(args)
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = p.paths(err)
		}
	}
	text := fmt.Sprintf(format, clean(args, p.colored(p.Err))...)
	left := p.beside(label)
	if label.Text == "" || left == 0 || term.Width(text) <= left {
		p.lines(label, text)
		return
	}
	p.lines(label, Wrap(text, left)...)
}

// beside is how many columns of standard error are left beside a label; 0 if it is not
// a terminal.
func (p *Printer) beside(label Styled) int {
	return room(columns(p.Err), label.Text+" ")
}

// lines writes lines behind a label, in one piece. If that fails, there is nowhere to
// say so.
func (p *Printer) lines(label Styled, lines ...string) {
	margin, rest := "", ""
	if label.Text != "" {
		margin = fmt.Sprintf("%s ", argument{label, p.colored(p.Err)})
		rest = strings.Repeat(" ", term.Width(label.Text)+1)
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(margin + line + "\n")
		margin = rest
	}
	_ = p.write(p.Err, []byte(text.String()))
}

// Sentence is an error's text on one line, without AWS's final period, and with paths
// as people write them.
func (p *Printer) Sentence(err error) string {
	text := strings.Join(strings.Fields(p.paths(err)), " ")
	if strings.HasSuffix(text, "...") {
		return text
	}
	return strings.TrimSuffix(text, ".")
}

// paths is an error's text with its paths as people write them.
func (p *Printer) paths(err error) string {
	text := err.Error()
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		// "cannot write x: why" needs its verb.
		if before, after, found := strings.Cut(text, file.Error()); found && !strings.HasSuffix(before, "cannot ") {
			text = before + p.Path(file) + after
		}
	}
	return p.tildes(text)
}

// tildes shortens the paths that stand in quotes.
func (p *Printer) tildes(text string) string {
	quoted := strings.Split(text, `"`)
	for i := 1; i < len(quoted) && p.Tilde != nil; i += 2 {
		quoted[i] = p.Tilde(quoted[i])
	}
	return strings.Join(quoted, `"`)
}

// Path words an error about a file without the name of the system call.
func (p *Printer) Path(err error) string {
	file, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err.Error()
	}
	path := file.Path
	if p.Tilde != nil {
		path = p.Tilde(path)
	}
	return fmt.Sprintf("%s: %v", path, file.Err)
}

// safe is a text as it may stand on a line: it may be somebody else's, and may have a
// secret in it that was pasted in the wrong place.
func safe(text string) string { return term.Clean(creds.Hide(text)) }

func clean(args []any, colored func() bool) []any {
	cleaned := make([]any, len(args))
	for i, arg := range args {
		switch arg.(type) {
		case int, int64, bool, byte:
			cleaned[i] = arg
		default:
			cleaned[i] = argument{arg, colored}
		}
	}
	return cleaned
}

// argument is a value that is cleaned when it is printed. %q quotes whatever
// Clean would spell out, so its argument stays as it is.
type argument struct {
	value   any
	colored func() bool
}

// Format implements fmt.Formatter. Its widths are those on the screen; of the flags
// it knows - and 0.
func (a argument) Format(w fmt.State, verb rune) {
	value, style := a.value, Plain
	if s, ok := value.(Styled); ok {
		value, style = s.Text, s.Style
	}
	text := fmt.Sprintf("%"+string(verb), value)
	if verb == 'q' {
		text = creds.Hide(text)
	} else {
		text = safe(text)
	}
	width, _ := w.Width()
	fill := strings.Repeat(" ", max(width-term.Width(text), 0))
	if w.Flag('0') {
		fill = strings.ReplaceAll(fill, " ", "0")
	}
	if style != Plain && a.colored() {
		text = style.paint(text)
	}
	if w.Flag('-') {
		text, fill = fill, text
	}
	io.WriteString(w, fill+text)
}
