//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The completion scripts in real shells, each of which splits and quotes words in
// its own way.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, text := range map[string]string{
		".aws/config": "[profile dev]\n[profile a:b]\n[profile \"x y\"]\n[profile \"q$(touch hacked)\"]\n",
		"afile":       "",
	} {
		path := filepath.Join(w.Home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := [][2]string{
		{"fob expl", "explain"},
		{"fob exec d", "dev"},
		{"fob exec a:", "a:b"},
		{"fob exec x", "x y"},
		{"fob exec q", "q$(touch hacked)"},
		{"fob export --format=win", "--format=windows-cmd"},
		{"fob exec --policy afi", "afile"},
		{"fob exec dev -- unlin", "unlink"},
		{"fob exec dev -- cat afi", "afile"},
		{"fob exec dev unlin", "unlink"},
		{"fob exec a:b cat afi", "afile"},
		{"fob exec --profile dev -- cat afi", "afile"},
		{"fob help store tru", "trust"},
		{"fob --backend file store tru", "trust"},
		{"fob list afi", "afi"}, // takes no files
		{"fob store remove afi", "afi"},
		{"fob exec --region afi", "afi"},
	}
	t.Cleanup(func() {
		if _, err := os.Lstat(filepath.Join(w.Home, "hacked")); err == nil {
			t.Error("a shell has run the name of a profile")
		}
	})
	for shell, complete := range map[string]func(*testing.T, *world, string) string{"bash": inBash, "fish": inFish, "zsh": inZsh} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell); err != nil {
				lacking(t, shell)
			}
			for _, c := range lines {
				if got := complete(t, w, c[0]); got != c[1] {
					t.Errorf("%s: got %q", c[0], got)
				}
			}
		})
	}
}

// output of a shell script in the home.
func (w *world) script(t *testing.T, shell, text string, args ...string) string {
	t.Helper()
	cmd := exec.Command(shell, append([]string{"-c", text, shell}, args...)...)
	cmd.Dir, cmd.Env = w.Home, w.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// inBash does what readline does: it asks the function, then looks for files, and
// replaces the text after the last = or : with the answer.
func inBash(t *testing.T, w *world, line string) string {
	answer := w.script(t, "bash", `eval "$(fob completion bash)"
files=0 && compopt() { files=1; }
COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
_fob fob
((!files)) || COMPREPLY=($(compgen -f -- "${1##* }"))
((${#COMPREPLY[@]})) || COMPREPLY=("${1##* }")
printf '%s\n' "${COMPREPLY[@]}" | sort -u`, line)
	word := line[strings.LastIndexByte(line, ' ')+1:]
	return word[:strings.LastIndexAny(word, ":=")+1] + strings.ReplaceAll(answer, `\`, "")
}

// bash-completion completes the command of exec as if it stood alone.
func TestCompletionOfCommandInBash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config(t, "[profile a:b]\n")
	for _, line := range []string{"fob exec a:b -- git che", "fob exec a:b git che", "fob --profile a:b exec -d 1h -- git che"} {
		got := w.script(t, "bash", `eval "$(fob completion bash)"
_command_offset() { COMPREPLY=("$1" "$COMP_CWORD" "$COMP_LINE" "${COMP_LINE:0:COMP_POINT}" "${COMP_WORDS[@]}"); }
COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
_fob fob
IFS=,; printf '%s' "${COMPREPLY[*]}"`, line)
		if want := "0,1,git che,git che,git,che"; got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func inFish(t *testing.T, w *world, line string) string {
	answer := w.script(t, "fish", `fob completion fish | source; complete --do-complete $argv[2]`, line)
	if answer == "" {
		return line[strings.LastIndexByte(line, ' ')+1:] // as it was typed
	}
	word, _, _ := strings.Cut(answer, "\t")
	return word
}

// zshWith is a zsh in which somebody has typed something.
func zshWith(t *testing.T, w *world, typed string) *terminal {
	t.Helper()
	cmd := exec.Command("zsh", "-f", "-i")
	cmd.Dir, cmd.Env = w.Home, append(slices.Clone(w.Env), "TERM=dumb")
	tty, err := startOnTerminal(cmd, true)
	if err != nil {
		t.Fatal(err)
	}
	const setUp = `autoload -U compinit; compinit -u -D; eval "$(fob completion zsh)"
show() { print -r -- "<$BUFFER>"; exit }; zle -N show; bindkey '^X' show; PS1=rea''dy:
`
	_, err = tty.master.WriteString(setUp)
	if err == nil {
		err = tty.await("ready:")
	}
	if err == nil {
		_, err = tty.master.WriteString(typed + "\x18")
	}
	if err == nil {
		err = tty.await(">")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, tty.screen())
	}
	tty.wait()
	return tty
}

// inZsh plays a person who presses Tab.
func inZsh(t *testing.T, w *world, line string) string {
	screen := zshWith(t, w, line+"\t").screen()
	buffer := screen[strings.LastIndex(screen, "<fob ")+1 : strings.LastIndexByte(screen, '>')]
	typed := line[:strings.LastIndexByte(line, ' ')+1]
	return strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(buffer, typed)), `\`, "")
}

// A profile has no description in zsh's list, and no -- that would lead to one.
func TestCompletionListInZsh(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("zsh"); err != nil {
		lacking(t, "zsh")
	}
	w := newWorld(t)
	w.config(t, "[profile dev]\n[profile prod]\n")
	_, screen, _ := strings.Cut(zshWith(t, w, "fob exec \t").screen(), "fob exec ") // what was typed before it
	if !strings.Contains(screen, "prod") || strings.Contains(screen, "--") {
		t.Errorf("profiles:\n%s", screen)
	}
	screen = zshWith(t, w, "fob ex\t").screen()
	if !strings.Contains(screen, "explain  -- ") {
		t.Errorf("commands:\n%s", screen)
	}
}
