package term

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
)

// The test binary is also a program on a console of its own.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "look" {
		name, c := lookAtConsole()
		fmt.Printf("%s %v %v\n", name, c.window, c.programs)
		io.Copy(io.Discard, os.Stdin) // keeps the console until the test ends
		return
	}
	os.Exit(m.Run())
}

// look starts a program on a new console and returns the name of the console and
// what else the program saw.
func look(t *testing.T, attr *syscall.SysProcAttr) (name, rest string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "look")
	cmd.SysProcAttr = attr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	name, rest, _ = strings.Cut(line, " ")
	number, rest, _ := strings.Cut(rest, " ")
	return name + " " + number, rest
}

// Each console has a name of its own, so that a question on one does not keep the
// others waiting.
func TestConsoleNames(t *testing.T) {
	first, what := look(t, &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_CONSOLE, HideWindow: true})
	second, _ := look(t, &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_CONSOLE, HideWindow: true})
	if !strings.Contains(what, "term.test.exe") {
		t.Errorf("the programs on the console are %q", what)
	}
	wine := windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
	if first == second && wine && os.Getenv("DISPLAY") == "" {
		t.Skip("wine makes no windows without a display")
	}
	if first == second {
		t.Errorf("both are %q", first)
	}
}
