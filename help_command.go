package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// commandHelp is fob COMMAND --help: usage, examples, arguments and the
// command's own flags.
func commandHelp(a *app, c command, ctx *kong.Context) error {
	node := ctx.Model.Node.Children[0]
	if selected := ctx.Selected(); selected != nil && !selected.Hidden {
		node = selected
	}
	a.out.Print("Usage: fob %s\n\n%s\n", usage(c, node), node.Help)
	printDetail(a, node.Detail)
	hidden := func(n *kong.Node) bool { return n.Hidden }
	if children := slices.DeleteFunc(slices.Clone(node.Children), hidden); len(children) > 0 {
		var rows [][2]string
		for _, child := range children {
			rows = append(rows, [2]string{"fob " + strings.TrimSpace(commandPath(child)+" "+arguments(child)), child.Help})
		}
		printRows(a, "Commands", rows)
	}
	printRows(a, "Arguments", argumentRows(node))
	var rows [][2]string
	for _, f := range shownFlags(node) {
		rows = append(rows, [2]string{flagUsage(f), f.Help})
	}
	printRows(a, "Flags", rows)
	a.out.Print("\nfob --help lists the flags of every command.\n")
	return nil
}

// usage is a command line. exec's own flags stand before the command that it runs.
func usage(c command, node *kong.Node) string {
	if c.name == "exec" {
		return "exec [PROFILE] [flags] [--] [CMD ARG...]"
	}
	line := c.name + " " + c.synopsis
	if node.Parent.Parent != nil {
		line = commandPath(node) + " " + arguments(node)
	}
	if len(shownFlags(node)) > 0 {
		line += " [flags]"
	}
	return strings.Join(strings.Fields(line), " ")
}

// shownFlags are a command's own flags, with those of what it does without a command
// below it.
func shownFlags(node *kong.Node) []*kong.Flag {
	own := slices.Clone(node.Flags)
	if node.DefaultCmd != nil {
		own = append(own, node.DefaultCmd.Flags...)
	}
	return slices.DeleteFunc(own, func(f *kong.Flag) bool { return f.Hidden })
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
