package main

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/cmdline"
	"fob/internal/host"
)

// grammar is kong's model of every command.
func grammar(t *testing.T) *kong.Application {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // not the developer's config.toml
	k, err := new(commandLine).parser(start{getenv: host.Lookup(os.Environ())}, commands())
	if err != nil {
		t.Fatal(err)
	}
	return k.Model
}

// flagNames returns the names of a flag, aliases included.
func flagNames(f *kong.Flag) []string {
	names := []string{"--" + f.Name}
	for _, a := range f.Aliases {
		names = append(names, "--"+a)
	}
	if f.Short != 0 {
		names = append(names, "-"+string(f.Short))
	}
	return names
}

// manualText returns the manual without the escapes for fonts and hyphens.
func manualText(t *testing.T) string {
	text, err := os.ReadFile("doc/fob.1")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fR`, "", `\ `, " ", `\|`, "").Replace(string(text))
}

// sections returns the sections of the manual by heading.
func sections(text string) map[string]string {
	found := map[string]string{}
	heading := ""
	for line := range strings.Lines(text) {
		if h, ok := strings.CutPrefix(line, ".SS "); ok {
			heading = strings.TrimSpace(h)
		} else if strings.HasPrefix(line, ".SH ") {
			heading = ""
		}
		found[heading] += line
	}
	return found
}

// sectionOf returns the section of a command and, if that refers to it, the section on
// shared flags.
func sectionOf(all map[string]string, path string) string {
	for heading, text := range all {
		if hasWord(heading, path) {
			if strings.Contains(text, `"Credential flags"`) {
				text += all["Credential flags"]
			}
			return text
		}
	}
	return ""
}

// hasWord finds whole words: -- and --no-x are not in --no-x-y.
func hasWord(text, word string) bool {
	return regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(word) + `([^\w-]|$)`).MatchString(text)
}

// The manual has every command, alias and flag, each where it belongs.
func TestManualIsComplete(t *testing.T) {
	model := grammar(t)
	all := sections(manualText(t))
	for _, f := range model.Flags {
		checkFlag(t, "fob", f, all["Flags of every command"])
	}
	for _, leaf := range model.Leaves(true) {
		name := "fob " + strings.TrimPrefix(leaf.Path(), "fob ")
		name = strings.TrimSpace(regexp.MustCompile(`[ ]\([^)]*\)`).ReplaceAllString(name, ""))
		text := sectionOf(all, name)
		if text == "" {
			t.Errorf("no section on %q", name)
			continue
		}
		for _, alias := range leaf.Aliases {
			if sectionOf(all, "fob "+alias) != text {
				t.Errorf("%s: no alias %q in the heading", name, alias)
			}
		}
		for _, f := range leaf.Flags {
			checkFlag(t, name, f, text)
		}
	}
}

func checkFlag(t *testing.T, command string, f *kong.Flag, section string) {
	if f.Hidden {
		return
	}
	for _, n := range flagNames(f) {
		if !hasWord(section, n) {
			t.Errorf("%s: no %s in its section", command, n)
		}
	}
}

// The synopsis has every command and the words that may follow it.
func TestManualSynopsis(t *testing.T) {
	_, text, _ := strings.Cut(manualText(t), ".SH SYNOPSIS\n")
	text, _, _ = strings.Cut(text, ".SH ")
	for _, leaf := range grammar(t).Leaves(true) {
		words := helpWords(leaf)
		_, line, ok := strings.Cut(text, ".B fob "+words[0]+"\n")
		line, _, _ = strings.Cut(line, ".br\n")
		if !ok || !hasWord(words[0]+"\n"+line, words[len(words)-1]) {
			t.Errorf("no fob %s", strings.Join(words, " "))
		}
		for _, p := range leaf.Positional {
			if !hasWord(line, strings.ToUpper(p.Name)) && len(words) == 1 {
				t.Errorf("fob %s: no %s", words[0], strings.ToUpper(p.Name))
			}
		}
	}
}

// Every flag in the manual exists.
func TestManualIsTrue(t *testing.T) {
	model := grammar(t)
	known := map[string]bool{}
	add := func(flags []*kong.Flag) {
		for _, f := range flags {
			for _, n := range flagNames(f) {
				known[n] = true
			}
		}
	}
	add(model.Flags)
	for _, leaf := range model.Leaves(true) {
		add(leaf.Flags)
	}
	text := manualText(t)
	for _, m := range regexp.MustCompile(`(?:^|[^\w-])(--[a-z][a-z-]*|-[a-zA-Z])\b`).FindAllStringSubmatch(text, -1) {
		if !known[m[1]] {
			t.Errorf("the manual has %s, fob has not", m[1])
		}
	}
}

// The manual has fob's variables and no others.
func TestManualVariables(t *testing.T) {
	variable := regexp.MustCompile(`\bFOB_[A-Z_]*[A-Z]\b`)
	used := map[string]bool{}
	for _, name := range sources(t) {
		for _, s := range literals(t, name) {
			for _, v := range variable.FindAllString(s, -1) {
				used[v] = true
			}
		}
	}
	text := manualText(t)
	for _, v := range slices.Sorted(maps.Keys(used)) {
		if !hasWord(text, v) {
			t.Errorf("no %s in the manual", v)
		}
	}
	for _, v := range variable.FindAllString(text, -1) {
		if !used[v] {
			t.Errorf("the manual has %s, fob does not read or set it", v)
		}
	}
}

// sources returns the Go files of the program.
func sources(t *testing.T) []string {
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && isFake(filepath.ToSlash(name)) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// literals returns the strings and struct tags of a file.
func literals(t *testing.T, name string) (values []string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				values = append(values, s)
			}
		}
		return true
	})
	return values
}

// The manual has every exit code.
func TestManualExitCodes(t *testing.T) {
	_, text, _ := strings.Cut(manualText(t), ".SH EXIT STATUS\n")
	text, _, _ = strings.Cut(text, "\n.SH ")
	for _, code := range []int{0, exitFailed, exitUsage, exitNoProfile, exitNoPerson, exitStore, exitRefused, exitUnreachable, exitInterrupted, exitExec, 126, 127} {
		if !hasWord(text, strconv.Itoa(code)) {
			t.Errorf("no exit status %d", code)
		}
	}
}

// fob follows a credential_process that is fob itself, so cmdline knows every flag of
// export: whether it takes a value, and that it is not a stranger.
func TestExportFlagsAreKnown(t *testing.T) {
	app := grammar(t)
	i := slices.IndexFunc(app.Children, func(n *kong.Node) bool { return n.Name == "export" })
	for _, f := range append(slices.Clone(app.Children[i].Flags), app.Flags...) {
		names := []string{"--" + f.Name}
		for _, alias := range f.Aliases {
			names = append(names, "--"+alias)
		}
		if f.Short != 0 {
			names = append(names, "-"+string(f.Short))
		}
		if f.Tag.Negatable != "" {
			names = append(names, "--no-"+f.Name)
		}
		for _, name := range names {
			if f.Name == "help" || f.Name == "version" || f.Name == "profile" {
				continue // such a line gives no credentials, or is about it
			}
			line := "fob export " + name + " p"
			if !f.IsBool() {
				line = "fob export " + name + " value p"
			}
			e, ok := cmdline.ReadExport(line, "fob")
			if !ok || e.Profile != "p" || (e.Strange != "") != (f.Name == "no-session") {
				t.Errorf("%s: %+v, %v", line, e, ok)
			}
		}
	}
}

// Whatever line of export fob takes, cmdline reads as fob does: other commands follow
// such lines, and must not make credentials that can do more.
func TestExportLinesAreRead(t *testing.T) {
	pieces := []string{
		"p", "q", "--profile p", "--profile=p", "--read-only", "-d 1h", "-d1h", "--duration=2h", "--policy /x", "--policy=/x", "--policy-arn a", "--policy-arn=b",
		"-n", "-nq", "-qv", "-v", "--debug", "--backend file", "--color=never", "--no-input", "--fresh", "--format json", "--region r", "-t 1", "-t1",
		"--prompt tty", "--mfa-prompt=tty", "--", "--read-only=false", "--no-session",
	}
	random := rand.New(rand.NewPCG(1, 2))
	p := start{getenv: host.Lookup([]string{"HOME=" + t.TempDir()})}
	taken := 0
	for range 2_000 {
		var words []string
		for range 1 + random.IntN(5) {
			words = append(words, pieces[random.IntN(len(pieces))])
		}
		words = slices.Insert(words, random.IntN(len(words)+1), "export")
		line := strings.Join(words, " ")
		argv := strings.Fields(line)
		before, after, split := argv, []string(nil), false
		if i := slices.Index(argv, "--"); i >= 0 {
			before, after, split = argv[:i], argv[i:], true
		}
		before, name := arrange(before)
		if name != "export" || !slices.Contains(before, "export") {
			continue
		}
		if split {
			before = append(before, after...)
		}
		named := slices.DeleteFunc(commands(), func(c command) bool { return c.name != "export" })
		parser, err := new(commandLine).parser(p, named)
		if err != nil {
			t.Fatal(err)
		}
		c := named[0].cmd.(*exportCmd)
		if _, err := parser.Parse(before); err != nil || c.Profile == "" && c.Name == "" || c.Profile != "" && c.Name != "" && c.Profile != c.Name {
			continue
		}
		taken++
		e, ok := cmdline.ReadExport("fob "+line, "fob")
		if !ok || e.Profile != cmp.Or(c.Profile, c.Name) {
			t.Errorf("fob %s: profile %q, %v", line, e.Profile, ok)
			continue
		}
		d, _ := time.ParseDuration(cmp.Or(e.Duration, "0s"))
		same := d == c.Duration && e.Policy == c.Policy && slices.Equal(e.PolicyARNs, c.PolicyARN) && e.ReadOnly == c.ReadOnly && !c.NoSession
		if e.Strange == "" && !same {
			t.Errorf("fob %s: %+v, fob has %+v", line, e, *c)
		}
	}
	if taken < 250 {
		t.Errorf("fob took only %d lines", taken)
	}
}
