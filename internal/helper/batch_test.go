package helper

import (
	"errors"
	"strings"
	"testing"
)

func TestIsBatch(t *testing.T) {
	for path, want := range map[string]bool{
		`C:\npm\npm.cmd`:  true,
		`C:\npm\NPM.CMD`:  true,
		`run.bat`:         true,
		`run.Bat. .`:      true, // Windows opens run.Bat
		`C:\bin\npm`:      false,
		`C:\bin\cmd`:      false,
		`run.bat.exe`:     false,
		`C:\x.cmd\go.exe`: false,
		``:                false,
	} {
		if got := IsBatch(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// The command line is what Rust's standard library makes of the same arguments.
func TestBatchLine(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
		err  error
	}{
		{nil, ``, nil},
		{[]string{"run", "a-b.c:d/e\\f"}, ` run a-b.c:d/e\f`, nil},
		{[]string{"", "a b"}, ` "" "a b"`, nil},
		{[]string{"http://h/?a=1&ver"}, ` "http://h/?a=1&ver"`, nil},
		{[]string{"a|b", "a>b", "a<b", "a^b", "a&b", "(a)", "a;b", "a,b", "a=b", "!a!"},
			` "a|b" "a>b" "a<b" "a^b" "a&b" "(a)" "a;b" "a,b" "a=b" "!a!"`, nil},
		{[]string{`"&ver`}, ` """&ver"`, nil},
		{[]string{`say "x"`}, ` "say ""x"""`, nil},
		{[]string{`a\"b`, `a\\"b`}, ` "a\\""b" "a\\\\""b"`, nil},
		{[]string{`C:\dir\`, `C:\a b\`}, ` "C:\dir\\" "C:\a b\\"`, nil},
		{[]string{"%PATH%", "100%"}, ` "%%cd:~,%PATH%%cd:~,%" "100%%cd:~,%"`, nil},
		{[]string{"grün", "日本"}, ` "grün" "日本"`, nil},
		{[]string{"a\tb"}, " \"a\tb\"", nil},
		{[]string{"a\nver"}, "", ErrBatchArgument},
		{[]string{"a\rver"}, "", ErrBatchArgument},
		{[]string{strings.Repeat("x", 8200)}, "", ErrBatchLength},
		{[]string{strings.Repeat("%", 1200)}, "", ErrBatchLength},
	} {
		got, err := batchLine(`C:\a 100%&b\npm.cmd`, row.args)
		want := ""
		if row.err == nil {
			want = `cmd.exe /e:ON /v:OFF /d /c ""C:\a 100%%cd:~,%&b\npm.cmd"` + row.want + `"`
		}
		if got != want || !errors.Is(err, row.err) {
			t.Errorf("%.40q:\ngot  %s, %v\nwant %s, %v", row.args, got, err, want, row.err)
		}
	}
}
