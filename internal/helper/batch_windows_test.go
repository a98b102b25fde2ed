package helper

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// arguments splits a command line as programs of the Universal C Runtime do, node and
// python among them. Go, the shell's functions and older programs differ in what they
// make of a doubled quote.
func arguments(line string) (all []string) {
	line = strings.TrimSpace(line)
	for line != "" {
		var arg strings.Builder
		quoted := false
		for line != "" && (quoted || line[0] != ' ' && line[0] != '\t') {
			rest := strings.TrimLeft(line, `\`)
			n := len(line) - len(rest)
			quote := strings.HasPrefix(rest, `"`)
			switch {
			case quote && n > 0:
				arg.WriteString(line[:n/2])
				if line = rest; n%2 == 1 {
					arg.WriteByte('"')
					line = rest[1:]
				}
			case n > 0:
				arg.WriteString(line[:n])
				line = rest
			case quote && quoted && strings.HasPrefix(rest, `""`):
				arg.WriteByte('"')
				line = rest[2:]
			case quote:
				quoted = !quoted
				line = rest[1:]
			default:
				arg.WriteByte(rest[0])
				line = rest[1:]
			}
		}
		all = append(all, arg.String())
		line = strings.TrimLeft(line, " \t")
	}
	return all
}

// No argument runs a command or is changed on its way through a batch file.
func TestBatchArguments(t *testing.T) {
	dir := t.TempDir()
	made := filepath.Join(dir, "made")
	t.Setenv("FOBTEST_NAME", "replaced")
	hostile := []string{
		"plain", "", "two words", `http://h/?a=1&ver`, `"&ver&"`, `" & ver & "`, `a"b`, `a\"&ver`, `\\"`, `C:\dir\`, `C:\a b\`,
		"a|ver", "a>" + made, "a&echo.>" + made, `"&echo.>` + made, `\"&echo.>` + made, "^&ver", "a^b", "(ver)", "!FOBTEST_NAME!",
		"a;b", "a,b", "a=b", "gr\u00fcn",
	}
	if !wine() { // whose cmd.exe does not know %NAME:~,%
		hostile = append(hostile, "%FOBTEST_NAME%", "%FOBTEST_NAME:~0,2%", "100%", "%", "%%FOBTEST_NAME%%", `"%FOBTEST_NAME%"`,
			"%CMDCMDLINE:~-1%&echo.>"+made, "%1")
	}
	for name, body := range map[string]string{
		"shim.cmd":       "@\"" + os.Args[0] + "\" arguments %*\r\n",
		"spaces & a.bat": "@echo off\r\nsetlocal\r\n\"" + os.Args[0] + "\" arguments %*\r\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := Run(context.Background(), Program{Path: path, Args: hostile, Environ: os.Environ()})
		got := arguments(string(out))
		if err != nil || len(got) < 2 || !slices.Equal(got[2:], hostile) {
			t.Errorf("%s: %v, got\n%q, want\n%q", name, err, got, hostile)
		}
		_, err = Run(context.Background(), Program{Path: path, Args: []string{"a\r\nver"}, Environ: os.Environ()})
		if err == nil || !strings.Contains(err.Error(), "could not be run") {
			t.Errorf("a line break: %v", err)
		}
	}
	if _, err := os.Stat(made); err == nil {
		t.Error("an argument wrote a file")
	}
}

func wine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
