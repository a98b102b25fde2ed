package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// The test binary is fob if it is started under that name, and the programs around
// fob if its first argument says so.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); name == "fob" || name == "fob.exe" {
		os.Exit(program{workFactor: 10}.run(os.Args))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "interrupt":
			os.Exit(interrupt(os.Args[2:]))
		case "interrupted":
			os.Exit(interrupted(os.Args[2]))
		case "caller":
			cmd := exec.Command(os.Args[2], os.Args[3:]...)
			if os.Args[2] == os.Args[0] {
				cmd.Args[0] = "fob"
			}
			_, err := cmd.Output()
			panic(err)
		case "leave":
			if err := exec.Command(os.Args[0], "interrupted", os.Args[2]).Start(); err != nil {
				panic(err)
			}
			os.Exit(0)
		case "print":
			os.Stdout.WriteString(strings.Join(os.Args[2:], "\n"))
			os.Exit(7)
		}
	}
	os.Exit(m.Run())
}

// interrupt runs fob on its own console and presses Ctrl-C once the command is
// ready. It ends with fob's exit code.
func interrupt(args []string) int {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	ready := args[0]
	cmd := fobCommand(args[1:]...)
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	if _, err := awaitReady(ready); err != nil {
		panic(err)
	}
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0); err != nil {
		panic(err)
	}
	_ = cmd.Wait() // the exit code tells
	return cmd.ProcessState.ExitCode()
}

// interrupted says that it is ready, waits for Ctrl-C, takes a moment to clean up
// and ends with 42.
func interrupted(ready string) int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	if err := os.WriteFile(ready, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		panic(err)
	}
	select {
	case <-c:
		time.Sleep(200 * time.Millisecond)
	case <-time.After(20 * time.Second):
		return 43
	}
	if err := os.WriteFile(ready+".done", nil, 0o600); err != nil {
		panic(err)
	}
	return 42
}

// awaitReady is the process that says that it is ready.
func awaitReady(ready string) (pid uint32, err error) {
	for range 400 {
		if text, err := os.ReadFile(ready); err == nil && strings.HasSuffix(string(text), "\n") {
			pid, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
			return uint32(pid), err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, errors.New("the command does not start")
}

// fobCommand is fob in this process's environment.
func fobCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Args[0] = "fob"
	return cmd
}

// newHome makes a home with the profile dev, whose key is in plain text.
func newHome(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, value := range map[string]string{
		"USERPROFILE": dir, "LOCALAPPDATA": filepath.Join(dir, "local"), "CI": "1", "FOB_NO_INPUT": "",
		"XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "",
	} {
		t.Setenv(name, value)
	}
	writeHome(t, filepath.Join(dir, ".aws", "credentials"),
		"[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
	writeHome(t, filepath.Join(dir, ".aws", "config"), "[profile dev]\nregion = eu-west-1\n")
	return dir
}

func writeHome(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runFob runs fob to its end.
func runFob(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, words bytes.Buffer
	cmd := fobCommand(args...)
	cmd.Stdout, cmd.Stderr = &out, &words
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return out.String(), words.String(), cmd.ProcessState.ExitCode()
}

// A console without a window, as programs have that an IDE starts, is not asked on.
func TestConsoleWithoutWindow(t *testing.T) {
	dir := newHome(t)
	writeHome(t, filepath.Join(dir, ".aws", "config"), "[profile dev]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n")
	cmd := fobCommand("export", "--profile", "dev", "--mfa-prompt", "tty")
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() }) // the exit code tells
	defer late.Stop()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitNoPerson || !strings.Contains(string(out), "there is no terminal to ask on") {
		t.Errorf("%v, want exit code %d\n%s", err, exitNoPerson, out)
	}
}

// An export ends when the program that asked is killed, and so does its question, also
// if that program has fob run by cmd.exe, as the SDKs for Go and JavaScript do.
func TestExportOrphan(t *testing.T) {
	dir := newHome(t)
	writeHome(t, filepath.Join(dir, ".aws", "config"), "[profile dev]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n")
	export := []string{"export", "--profile", "dev", "--mfa-prompt", "askpass"}
	callers := [][]string{append([]string{os.Args[0]}, export...)}
	if !wine() { // which does not tell a process's command line
		self, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		fob := filepath.Join(dir, "fob.exe")
		writeHome(t, fob, string(self))
		callers = append(callers, append([]string{"cmd.exe", "/C", fob}, export...))
	}
	for i, caller := range callers {
		ready, askpass := filepath.Join(dir, "ready"+strconv.Itoa(i)), filepath.Join(dir, "ask.cmd")
		writeHome(t, askpass, "@\""+os.Args[0]+"\" interrupted \""+ready+"\"\r\n")
		t.Setenv("FOB_ASKPASS", askpass)
		cmd := exec.Command(os.Args[0], append([]string{"caller"}, caller...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		question := process(t, ready)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if !ended(question, 10*time.Second) {
			t.Errorf("%q: the question stays", caller)
		}
	}
}

func wine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}

// The number of an open handle stands for a file descriptor.
func TestPassphraseHandle(t *testing.T) {
	newHome(t)
	t.Setenv("FOB_BACKEND", "file")
	key := "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
	run := func(passphrase, stdin string, args ...string) (string, int) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := w.WriteString(passphrase); err != nil {
			t.Fatal(err)
		}
		w.Close()
		handle := syscall.Handle(r.Fd())
		if err := windows.SetHandleInformation(windows.Handle(handle), windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
			t.Fatal(err)
		}
		cmd := fobCommand(args...)
		cmd.Env = append(os.Environ(), "FOB_PASSPHRASE_FD="+strconv.Itoa(int(handle)))
		cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: []syscall.Handle{handle}}
		cmd.Stdin = strings.NewReader(stdin)
		out, _ := cmd.CombinedOutput() // the exit code tells
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run("correct horse battery\r\n", key, "add", "kept", "--stdin", "--no-verify", "--region", "eu-west-1"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if out, code := run("correct horse battery", "", "export", "--profile", "kept", "--no-session"); code != 0 || !strings.Contains(out, "AKIAIOSFODNN7EXAMPLE") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, code := run("wrong horse battery", "", "export", "--profile", "kept", "--no-session"); code != exitStore {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// Ctrl-C is for the command: fob waits for it and ends with its exit code.
func TestExecInterrupt(t *testing.T) {
	dir := newHome(t)
	ready := filepath.Join(dir, "ready")
	// A console of its own, or the signal reaches the process that runs the test.
	cmd := exec.Command(os.Args[0], "interrupt", ready, "exec", "--no-session", "dev", "--", os.Args[0], "interrupted", ready)
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 42 {
		t.Errorf("%v, want exit code 42\n%s", err, out)
	}
	if _, err := os.Stat(ready + ".done"); err != nil {
		t.Error("fob ended before the command had cleaned up")
	}
}

// A killed fob takes its command along, and a command's exit code is fob's.
func TestExecKilled(t *testing.T) {
	dir := newHome(t)
	if stdout, stderr, code := runFob(t, "exec", "--no-session", "dev", "--", os.Args[0], "print", "a b"); stdout != "a b" || code != 7 {
		t.Errorf("got %q, %q, exit code %d", stdout, stderr, code)
	}
	ready := filepath.Join(dir, "ready")
	cmd := fobCommand("exec", "--no-session", "dev", "--", os.Args[0], "interrupted", ready)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := process(t, ready)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if !ended(child, 10*time.Second) {
		t.Error("the command runs on")
	}
}

// What a command leaves running lives on.
func TestExecLeaves(t *testing.T) {
	ready := filepath.Join(newHome(t), "ready")
	if _, stderr, code := runFob(t, "exec", "--no-session", "dev", "--", os.Args[0], "leave", ready); code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	if ended(process(t, ready), 300*time.Millisecond) {
		t.Error("it was killed")
	}
}

// process opens the process that says that it is ready, and ends it with the test.
func process(t *testing.T, ready string) windows.Handle {
	t.Helper()
	pid, err := awaitReady(ready)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		windows.TerminateProcess(h, 1) // an error means that it has ended
		windows.CloseHandle(h)
	})
	return h
}

func ended(h windows.Handle, within time.Duration) bool {
	event, err := windows.WaitForSingleObject(h, uint32(within.Milliseconds()))
	return err == nil && event == windows.WAIT_OBJECT_0
}
