package cmdline

import (
	"reflect"
	"testing"
)

func TestReadExport(t *testing.T) {
	for _, tt := range []struct {
		flags string
		want  Export
	}{
		{"--profile p", Export{}},
		{"p --read-only", Export{ReadOnly: true}},
		{"--read-only --profile p", Export{ReadOnly: true}},
		{"--profile=p --policy /a.json", Export{Policy: "/a.json"}},
		{"--profile=p --policy=/a.json", Export{Policy: "/a.json"}},
		{"--profile p --policy-arn a --policy-arn=b", Export{PolicyARNs: []string{"a", "b"}}},
		{"p -d 1h", Export{Duration: "1h"}},
		{"p -d1h", Export{Duration: "1h"}},
		{"p --duration 1h", Export{Duration: "1h"}},
		{"p --duration=1h", Export{Duration: "1h"}},
		{"p --format json --region eu-west-1 --fresh -v -q -t 123456 --mfa-prompt tty --backend file --no-input --color=never", Export{}},
		{"p --mfa-token 1 --prompt tty --debug --verbose --quiet -t1", Export{}},
		{"p -n", Export{Strange: "-n"}},
		{"p --no-session", Export{Strange: "--no-session"}},
		{"p -nq", Export{Strange: "-n"}},
		{"p -qn", Export{Strange: "-q"}},
		{"p --read-only=false", Export{Strange: "--read-only"}},
		{"p --fresh=yes", Export{Strange: "--fresh"}},
		{"p --newer x", Export{Strange: "--newer"}},
		{"p -x", Export{Strange: "-x"}},
		{"p --profile q --read-only", Export{ReadOnly: true}}, // the first one is p
		{"--profile p q", Export{}},
		{"p --", Export{}},
		{"--read-only -- p", Export{ReadOnly: true}},
		{"-- p --read-only", Export{}}, // a second profile, which fob export refuses
		{"p -", Export{Strange: "-"}},
	} {
		tt.want.Profile = "p"
		if got, ok := ReadExport("fob export "+tt.flags, "fob"); !ok || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v", tt.flags, got, ok, tt.want)
		}
	}
}

// Flags before export count like those behind it.
func TestReadExportLeading(t *testing.T) {
	for line, want := range map[string]Export{
		"fob --backend file export p":                   {Profile: "p"},
		"fob --profile p export":                        {Profile: "p"},
		"fob --profile=p -v export --format json":       {Profile: "p"},
		"fob --profile export export":                   {Profile: "export"},
		"fob --read-only export --profile p":            {Profile: "p", ReadOnly: true},
		"fob -d 1h export p":                            {Profile: "p", Duration: "1h"},
		"fob --policy=/a.json --debug export p":         {Profile: "p", Policy: "/a.json"},
		"fob --no-session export p":                     {Profile: "p", Strange: "--no-session"},
		"fob --prompt ykman export --policy-arn a -- p": {Profile: "p", PolicyARNs: []string{"a"}},
	} {
		if got, ok := ReadExport(line, "fob"); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", line, got, ok, want)
		}
	}
}

func TestRunsFob(t *testing.T) {
	for command, want := range map[string]bool{
		"fob exec dev": true, "/usr/local/bin/fob export": true, `"fob export --profile dev`: true, `"/my dir/FOB.exe" list`: true, "myfob export": true,
		"": false, `"`: false, "fobs export": false, "aws-vault exec fob": false, "/opt/fob/helper": false,
	} {
		if RunsFob(command, "/opt/myfob") != want {
			t.Errorf("%q: %v", command, !want)
		}
	}
}

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
