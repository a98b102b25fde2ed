package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"fob/internal/ui"
)

// shortHelp is what fob prints without a command.
func shortHelp(a *app) error {
	a.out.Print("fob keeps your AWS access keys encrypted and gives your tools short-lived\ncredentials instead.\n")
	overview(a)
	a.out.Print("\nRun fob COMMAND --help for more about a command.\n")
	if a.host.Check() != nil {
		return nil
	}
	if all, err := a.profiles(); err != nil {
		a.out.Print("\n")
		a.out.Item(ui.Styled{}, a.out.Sentence(err), []ui.Hint{ui.Type("fob", "doctor")})
	} else {
		a.sayMovingIn(all, "\n")
	}
	return nil
}

// longHelp is fob --help.
func longHelp(a *app) error {
	a.out.Print("Usage: fob COMMAND [flags]\n")
	overview(a)
	a.out.Print(`
Flags of every command
  --backend NAME  What opens the store: auto (chosen on this machine), file (a
                  passphrase) or age, which work everywhere, or a keyring that
                  fob store shows. $FOB_BACKEND
  --no-input      Never ask; exit 4 instead. $FOB_NO_INPUT
  -v, --verbose   Say on stderr what fob does; never a secret. $FOB_VERBOSE
  -q, --quiet     Print only errors.
  --color WHEN    Color messages: auto, always or never.
  --version       Print the version.
  -h, --help      Show help; after a command, help for that command.

Defaults for flags can be set in %s.
`, cmp.Or(a.host.Tilde(a.host.SettingsPath()), "~/.config/fob/config.toml"))
	return nil
}

// overview is a line for each command, in groups.
func overview(a *app) {
	for _, g := range groups() {
		a.out.Print("\n%s\n", g.title)
		for _, c := range g.commands {
			a.out.Print("  fob %-24s %s\n", strings.TrimSpace(c.name+" "+c.synopsis), c.help)
		}
	}
}

// helpWidth is the width of the narrowest terminal in use, in columns.
const helpWidth = 80

// commandHelp is fob COMMAND --help: usage, examples, arguments and the
// command's own flags.
func commandHelp(a *app, c command, ctx *kong.Context) error {
	node := ctx.Model.Node.Children[0]
	if selected := ctx.Selected(); selected != nil && !selected.Hidden {
		node = selected
	}
	a.out.Print("Usage: fob %s\n\n%s\n", usage(c, node), node.Help)
	printDetail(a, node.Detail)
	own, hidden := node.Flags, func(n *kong.Node) bool { return n.Hidden }
	if node.DefaultCmd != nil {
		own = slices.Concat(own, node.DefaultCmd.Flags)
	}
	if children := slices.DeleteFunc(slices.Clone(node.Children), hidden); len(children) > 0 {
		var rows [][2]string
		for _, child := range children {
			rows = append(rows, [2]string{"fob " + strings.TrimSpace(commandPath(child)+" "+arguments(child)), child.Help})
		}
		printRows(a, "Commands", rows)
	}
	printRows(a, "Arguments", argumentRows(node))
	var rows [][2]string
	for _, f := range own {
		if !f.Hidden {
			rows = append(rows, [2]string{flagUsage(f), f.Help})
		}
	}
	printRows(a, "Flags", rows)
	a.out.Print("\nfob --help lists the flags of every command.\n")
	return nil
}

// usage is a command line. exec's own flags stand before the command that it runs.
func usage(c command, node *kong.Node) string {
	switch {
	case node.Parent.Parent != nil:
		return commandPath(node) + " " + arguments(node) + " [flags]"
	case c.name == "exec":
		return "exec [PROFILE] [flags] [--] [CMD ARG...]"
	}
	return strings.TrimSpace(c.name+" "+c.synopsis) + " [flags]"
}

func commandPath(node *kong.Node) string {
	if node.Parent == nil || node.Parent.Parent == nil {
		return node.Name
	}
	return commandPath(node.Parent) + " " + node.Name
}

func arguments(node *kong.Node) string {
	var all []string
	for _, p := range node.Positional {
		all = append(all, strings.ToUpper(p.Name))
	}
	return strings.Join(all, " ")
}

// argumentRows explain the arguments that the usage line does not explain by itself.
func argumentRows(node *kong.Node) (rows [][2]string) {
	for _, p := range node.Positional {
		if p.Help != "The profile." {
			rows = append(rows, [2]string{strings.ToUpper(p.Name), p.Help})
		}
	}
	return rows
}

func flagUsage(f *kong.Flag) string {
	text := "--" + f.Name
	if f.Short != 0 {
		text = "-" + string(f.Short) + ", " + text
	}
	if !f.IsBool() {
		text += " " + cmp.Or(f.PlaceHolder, strings.ToUpper(f.Name))
	}
	return text
}

// printDetail prints a command's text in paragraphs that fit helpWidth, and its
// examples, which are indented, as they are.
func printDetail(a *app, detail string) {
	for paragraph := range strings.SplitSeq(strings.Trim(detail, "\n"), "\n\n") {
		if paragraph == "" {
			continue
		}
		lines := strings.Split(paragraph, "\n")
		if !strings.HasPrefix(paragraph, "    ") {
			lines = ui.Wrap(paragraph, helpWidth)
		}
		a.out.Print("\n")
		for _, line := range lines {
			a.out.Print("%s\n", line)
		}
	}
}

// printRows prints terms and what they mean, in two columns that fit helpWidth.
func printRows(a *app, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	a.out.Print("\n%s\n", title)
	column := 0
	for _, r := range rows {
		column = max(column, len(r[0])+len("    "))
	}
	for _, r := range rows {
		term := "  " + r[0]
		for _, line := range ui.Wrap(r[1], helpWidth-column) {
			a.out.Print("%-*s%s\n", column, term, line)
			term = ""
		}
	}
}
