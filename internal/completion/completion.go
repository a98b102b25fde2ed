// Package completion holds the shell scripts that complete fob's command lines.
// The scripts do not know the grammar. They ask the fob that the user is typing,
// so they stay valid when fob gets a new command:
//
//	fob __complete =WORD BEFORE...
//
// WORD is the word at the cursor, up to the cursor; it starts with = because some
// shells drop an empty argument. BEFORE are the words between fob and WORD. fob
// answers with a line for each candidate: the word, a tab and a description, which
// may be empty. Two other lines have no tab. ":files" means that the shell may also
// complete the name of a file. ":command N" is the only line: N of the words BEFORE
// are fob's, and the rest is a command line for the shell to complete.
package completion

import _ "embed" // the scripts

// Arg is the first argument when a script asks fob.
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

// Script returns the script for bash, zsh, fish or powershell; "" for other shells.
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
