package cmdline

import "testing"

func TestFobProfile(t *testing.T) {
	for _, tt := range []struct{ command, program, want string }{
		{"/usr/local/bin/fob export --profile dev", "fob", "dev"},
		{"/usr/local/bin/fob export --profile=dev", "fob", "dev"},
		{"fob export dev", "fob", "dev"},
		{"fob export --format json dev", "fob", "dev"},
		{"fob export --format=json dev", "fob", "dev"},
		{"fob export -d 1h dev", "fob", "dev"},
		{"fob export -d1h dev", "fob", "dev"},
		{"fob export -n -q --fresh dev", "fob", "dev"},
		{"fob --backend file -v export --profile dev", "fob", "dev"},
		{`"/opt/a b/fob" export --profile "a b"`, "fob", "a b"},
		{`"C:\Program Files\fob\FOB.EXE" export --profile dev`, "fob", "dev"},
		{"/opt/fob-2 export --profile dev", "fob-2", "dev"},
		{"/opt/fob-2 export --profile dev", "/usr/bin/fob-2", "dev"},
		{`C:\x\fob2.exe export --profile dev`, `D:\y\fob2.exe`, "dev"},

		{"/opt/fob-2 export --profile dev", "fob", ""},
		{"aws-vault export --format=json dev", "fob", ""},
		{"fob", "fob", ""},
		{"fob list dev", "fob", ""},
		{"fob export", "fob", ""},
		{"fob export --profile", "fob", ""},
		{"fob export --profile=", "fob", ""},
		{`fob export --profile ""`, "fob", ""},
		{`fob export ""`, "fob", ""},
		{"fob export -d dev", "fob", ""},
		{"export --profile dev", "", ""},
		{"/ export --profile dev", "", ""},
		{"", "", ""},
	} {
		got, ok := FobProfile(tt.command, tt.program)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("FobProfile(%q, %q) = %q, %v; want %q", tt.command, tt.program, got, ok, tt.want)
		}
	}
}
