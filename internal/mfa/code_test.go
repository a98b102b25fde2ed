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
		{"", "", "the MFA code is empty"},
		{" \n", "", "the MFA code is empty"},
		{"12345", "", "an MFA code has 6 digits, not 5"},
		{"12345678", "", "an MFA code has 6 digits, not 8"},
		{"12345a", "", "an MFA code has only digits"},
		{"123-456", "", "an MFA code has only digits"},
		{"-12345", "", "an MFA code has only digits"},
		{"１２３４５６", "", "an MFA code has only digits"},
		{"123456\x00", "", "an MFA code has only digits"},
		{"cccccbhuinjdlkrvkbgdvtnrljhcvtnrlj", "", "an MFA code has only digits"},
	} {
		got, err := checkCode(c.in)
		var bad *CodeError
		if got != c.want || c.problem == "" && err != nil || c.problem != "" && (!errors.As(err, &bad) || bad.Problem != c.problem) {
			t.Errorf("checkCode(%q) = %q, %v; want %q, %q", c.in, got, err, c.want, c.problem)
		}
	}
}

func FuzzCheckCode(f *testing.F) {
	f.Add("123 456")
	f.Add("１２３４５６")
	form := regexp.MustCompile(`^[0-9]{6}$`)
	f.Fuzz(func(t *testing.T, text string) {
		code, err := checkCode(text)
		if (err == nil) != form.MatchString(code) || err != nil && code != "" {
			t.Errorf("checkCode(%q) = %q, %v", text, code, err)
		}
	})
}
