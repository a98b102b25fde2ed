package mfa

import (
	"errors"
	"regexp"
	"testing"
)

func TestCheckCode(t *testing.T) {
	for _, c := range []struct{ in, want, problem string }{
		{"123456", "123456", ""},
		{" 123 456\r\n", "123456", ""},
		{"1 2\t3\u00a0456", "123456", ""},
		{"000000", "000000", ""},
		{"", "", "is empty"},
		{" \n", "", "is empty"},
		{"12345", "", "has 5 digits, not 6"},
		{"12345678", "", "has 8 digits, not 6"},
		{"12345a", "", "holds something other than digits"},
		{"123-456", "", "holds something other than digits"},
		{"-12345", "", "holds something other than digits"},
		{"１２３４５６", "", "holds something other than digits"},
		{"123456\x00", "", "holds something other than digits"},
		{"cccccbhuinjdlkrvkbgdvtnrljhcvtnrlj", "", "holds something other than digits"},
	} {
		got, err := CheckCode(c.in)
		var bad *CodeError
		if got != c.want || c.problem == "" && err != nil || c.problem != "" && (!errors.As(err, &bad) || bad.Problem != c.problem) {
			t.Errorf("CheckCode(%q) = %q, %v; want %q, %q", c.in, got, err, c.want, c.problem)
		}
	}
}

func FuzzCheckCode(f *testing.F) {
	f.Add("123 456")
	f.Add("１２３４５６")
	form := regexp.MustCompile(`^[0-9]{6}$`)
	f.Fuzz(func(t *testing.T, text string) {
		code, err := CheckCode(text)
		if (err == nil) != form.MatchString(code) || err != nil && code != "" {
			t.Errorf("CheckCode(%q) = %q, %v", text, code, err)
		}
	})
}
