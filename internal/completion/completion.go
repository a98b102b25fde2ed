// Package completion holds what shells are told, so that Tab completes fob's
// command lines. The scripts know nothing of the grammar: they ask the fob that is
// being typed for it, so they need no new copy when fob gets a command.
//
//	fob __complete =WORD BEFORE...
//
// WORD is the word at the cursor, up to it; the = is there because some shells drop
// an argument that is empty. BEFORE are the words between fob and it. The answer is
// a line for each candidate: the word, a tab, and what it is, which may be empty.
// No line at all means that the shell is to look for files.
package completion

import _ "embed" // the scripts

// Arg is the first argument of a script's question.
const Arg = "__complete"

var (
	//go:embed fob.bash
	bash string
	//go:embed fob.zsh
	zsh string
	//go:embed fob.fish
	fish string
	//go:embed fob.ps1
	powershell string
)

// Script for a shell: bash, zsh, fish or powershell; "" for another.
func Script(shell string) string {
	switch shell {
	case "bash":
		return bash
	case "zsh":
		return zsh
	case "fish":
		return fish
	case "powershell":
		return powershell
	}
	return ""
}
