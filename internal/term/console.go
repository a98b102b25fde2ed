package term

// console is what Windows tells about the console that a process is attached to.
// Consoles without anybody in front of them are common there: IDEs and services
// start programs with one, so that no window appears.
type console struct {
	// window is what the console has for a window.
	window window
	// class is the window's class.
	class string
	// shown means that the window is visible and on the process's desktop. Cygwin and
	// Git Bash put the console of a Windows program on a desktop that nobody sees.
	shown bool
	// service means that nobody sees any window of the process: a service's, or a
	// task's that runs whether or not its user is logged on.
	service bool
	// programs are attached to the console, by their file names in lower case.
	programs []string
}

// window is how a console answers when asked for its window.
type window int

const (
	noWindow   window = iota // the console was made without one (CREATE_NO_WINDOW)
	someWindow               // it has one, which may be hidden
	// unknownWindow is a number that is not a window. Windows 10 1809 and Server 2019
	// give one instead of none, and a system without windows (Nano Server) cannot tell.
	unknownWindow
)

// pseudoConsole is the class of the window, always hidden, of a console whose text
// goes to another program: Windows Terminal, VS Code, an SSH server.
const pseudoConsole = "PseudoConsoleWindow"

// answered reports whether a person may be in front of the console.
func (c console) answered() bool {
	switch {
	case c.window == unknownWindow:
		return true // over SSH, the console is the only way to ask
	case c.window == noWindow:
		return false
	case c.class == pseudoConsole:
		return true // an SSH server is a service
	case c.mirrored():
		return true
	}
	return c.shown && !c.service
}

// mirrored reports whether a terminal program shows a hidden console in its own
// window, as was usual before Windows had pseudo consoles.
func (c console) mirrored() bool {
	for _, name := range c.programs {
		switch name {
		case "winpty-agent.exe", "conemuc.exe", "conemuc64.exe":
			return true
		}
	}
	return false
}
