package main

import (
	"cmp"
	"strings"

	"fob/internal/ui"
)

// shortHelp is what fob prints without a command.
func shortHelp(a *app) error {
	a.out.Print("fob keeps your AWS access keys encrypted and gives your tools short-lived\ncredentials instead.\n")
	overview(a)
	a.out.Print("\nfob help COMMAND says more about a command, fob --help about flags.\n")
	if a.host.Check() != nil {
		return nil
	}
	if all, err := a.profiles(); err != nil {
		a.out.Print("\n")
		a.out.Item(ui.Styled{}, a.out.Sentence(err), []ui.Hint{ui.Type("fob", "doctor")})
	} else {
		if names, err := a.profileNames(all); err == nil && len(names) == 0 {
			a.out.Print("\n%s\n", noProfiles)
		}
		a.sayMovingIn(all, false)
	}
	return nil
}

// longHelp is fob --help.
func longHelp(a *app) error {
	a.out.Print("Usage: fob COMMAND [flags]\n")
	overview(a)
	printRows(a, "Flags of every command", [][2]string{
		{"--backend NAME", "What opens the store: auto (chosen on this machine), file (a passphrase) or age, which work everywhere, or a keyring that fob store shows. $FOB_BACKEND"},
		{"--no-input", "Never ask; exit 4 instead. $FOB_NO_INPUT"},
		{"-v, --verbose", "Say on stderr what fob does; never a secret. $FOB_VERBOSE"},
		{"-q, --quiet", "Print only errors."},
		{"--color WHEN", "Color messages: auto, always or never."},
		{"--version", "Print the version."},
		{"-h, --help", "Show help; after a command, help for that command."},
	})
	a.out.Print("\nDefaults for flags can be set in %s.\nfob help COMMAND says more about a command.\n", cmp.Or(a.host.Tilde(a.host.SettingsPath()), "~/.config/fob/config.toml"))
	return nil
}

// overview is a line for each command, in groups.
func overview(a *app) {
	for _, g := range groups() {
		a.out.Print("\n%s\n", heading(g.title))
		for _, c := range g.commands {
			a.out.Print("  %-24s  %s\n", strings.TrimSpace(c.name+" "+c.synopsis), c.help)
		}
	}
}

// heading is a title above rows, which matter more.
func heading(title string) ui.Styled { return ui.Dim.Text(title) }

// helpWidth is the width of the narrowest terminal in use, in columns.
const helpWidth = 80

// printDetail prints a command's text in paragraphs that fit helpWidth. Indented ones
// stay as they are; at the end of the text they are examples.
func printDetail(a *app, detail string) {
	paragraphs := strings.Split(strings.Trim(detail, "\n"), "\n\n")
	for i, paragraph := range paragraphs {
		if paragraph == "" {
			continue
		}
		a.out.Print("\n")
		lines := strings.Split(paragraph, "\n")
		switch {
		case !strings.HasPrefix(paragraph, "    "):
			lines = ui.Wrap(paragraph, helpWidth)
		case i == len(paragraphs)-1:
			a.out.Print("%s\n", heading("Examples"))
			lines = strings.Split(strings.ReplaceAll("\n"+paragraph, "\n    ", "\n  ")[1:], "\n")
		}
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
	a.out.Print("\n%s\n", heading(title))
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
