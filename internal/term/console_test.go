package term

import "testing"

// Where a person may be, and where fob must not ask and wait.
func TestConsole(t *testing.T) {
	const classic = "ConsoleWindowClass"
	for _, c := range []struct {
		where string
		console
		want bool
	}{
		{"cmd.exe in its own window, minimized or not", console{someWindow, classic, true, false, []string{"cmd.exe", "fob.exe"}}, true},
		{"Windows Terminal, VS Code", console{someWindow, pseudoConsole, false, false, []string{"pwsh.exe", "fob.exe"}}, true},
		{"Windows Terminal, when an old version shows the window", console{someWindow, pseudoConsole, true, false, nil}, true},
		{"an SSH session", console{someWindow, pseudoConsole, false, true, []string{"cmd.exe", "fob.exe"}}, true},
		{"an SSH session on Server 2019", console{unknownWindow, "", false, true, nil}, true},
		{"a container without windows", console{unknownWindow, "", false, true, nil}, true},
		{"winpty in Git Bash", console{someWindow, classic, false, false, []string{"winpty-agent.exe", "fob.exe"}}, true},
		{"winpty over Cygwin's SSH", console{someWindow, classic, false, true, []string{"winpty-agent.exe", "fob.exe"}}, true},
		{"ConEmu, Cmder", console{someWindow, classic, false, false, []string{"conemuc64.exe", "cmd.exe", "fob.exe"}}, true},

		{"an IDE, node with windowsHide (CREATE_NO_WINDOW)", console{noWindow, "", false, false, []string{"node.exe", "fob.exe"}}, false},
		{"below Windows Terminal, with CREATE_NO_WINDOW", console{noWindow, "", false, false, []string{"fob.exe"}}, false},
		{"a script with a hidden window (SW_HIDE)", console{someWindow, classic, false, false, []string{"cmd.exe", "fob.exe"}}, false},
		{"Git Bash without winpty", console{someWindow, classic, false, false, []string{"bash.exe", "fob.exe"}}, false},
		{"a service", console{someWindow, classic, true, true, []string{"service.exe", "fob.exe"}}, false},
		{"a service, without a window", console{noWindow, "", false, true, nil}, false},
		{"Task Scheduler, user not logged on", console{someWindow, classic, true, true, []string{"cmd.exe", "fob.exe"}}, false},
	} {
		if got := c.answered(); got != c.want {
			t.Errorf("%s: %v", c.where, got)
		}
	}
}
