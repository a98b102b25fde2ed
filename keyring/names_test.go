package keyring

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ name, file string }{
		{"prod", "key+prod"},
		{"a.b-c_d9", "key+a.b-c_d9"},
		{"Prod", "key+=50rod"},
		{".", "key+=2e"},
		{"..", "key+=2e=2e"},
		{"a..b", "key+a..b"},
		{".a", "key+=2ea"},
		{"a.", "key+a=2e"},
		{"../x", "key+=2e.=2fx"},
		{"con", "key+con"},
		{"a b", "key+a=20b"},
		{"a+b", "key+a=2bb"},
		{"a=b", "key+a=3db"},
		{"a:b\\c", "key+a=3ab=5cc"},
		{"é", "key+=c3=a9"},
		{"e\u0301", "key+e=cc=81"}, // the other é is another name
		{strings.Repeat("a", maxName), "key+" + strings.Repeat("a", maxName)},
	} {
		file, err := fileName(KindKey, tt.name)
		if err != nil || file != tt.file {
			t.Errorf("%q: %q, %v; want %q", tt.name, file, err, tt.file)
		}
		if kind, parts, ok := parseFileName(tt.file); !ok || kind != KindKey || parts[0] != tt.name {
			t.Errorf("%q: read back as %q %q", tt.file, kind, parts)
		}
	}
	for _, name := range []string{"", "a\x00b", "a\xff", strings.Repeat("a", maxName+1), strings.Repeat("A", maxName/3+1)} {
		_, err := fileName(KindKey, name)
		wantErr[*NameError](t, err)
	}
	if _, err := fileName(KindSession, strings.Repeat("a", maxName), strings.Repeat("0", 46)); err != nil {
		t.Error(err)
	}
	_, err := fileName(KindSession, strings.Repeat("a", maxName), strings.Repeat("0", 47))
	wantErr[*NameError](t, err)
}

func TestNotNames(t *testing.T) {
	for _, file := range []string{
		"", "key", "key+", "key+a+b", "session+a", "session+a+", "session++a", "cat+a",
		"token+a", "token+a+", "token+a+b+c",
		"key+A", "key+a=2", "key+a=", "key+=2E", "key+=2d", "key+=61", "key+.a", "key+a.", "key+a/b",
		"key+a b", "key+=00", "key+=ff", "key+" + strings.Repeat("a", maxName+1), "Key+a", ".tmp-x",
	} {
		if kind, parts, ok := parseFileName(file); ok {
			t.Errorf("%q is %q %q", file, kind, parts)
		}
	}
}

// Every name has one file name and every file name one name.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"prod", "A", "..", "a+b", "=2e", "key+a", "\x00", "é", "a=2g"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if file, err := fileName(KindKey, s); err == nil {
			if _, parts, ok := parseFileName(file); !ok || parts[0] != s {
				t.Errorf("%q became %q became %q", s, file, parts)
			}
			if strings.ToLower(file) != file || strings.ContainsAny(file, `/\:*?"<>| `) {
				t.Errorf("%q became %q", s, file)
			}
		}
		if kind, parts, ok := parseFileName(s); ok {
			if file, err := fileName(kind, parts...); err != nil || file != s {
				t.Errorf("%q became %q became %q, %v", s, parts, file, err)
			}
		}
		if lock := lockName(s); len(lock) > 250 || strings.ContainsAny(lock, "/\x00") || strings.HasPrefix(lock, ".") {
			t.Errorf("%q locks %q", s, lock)
		}
	})
}
