package mfa

import (
	"fmt"
	"strings"
)

// CodeLength is how many digits AWS expects, for every device.
const CodeLength = 6

// CodeError is a code that AWS would refuse in any case. It never quotes the code.
type CodeError struct {
	Problem string
	used    bool // the code is well-formed but has been used
}

func (e *CodeError) Error() string { return e.Problem }

// AskAgain tells package prompt that the person may give another code.
func (e *CodeError) AskAgain() bool { return true }

// CheckCode returns a *CodeError if a text cannot be a code.
func CheckCode(text string) error {
	_, err := checkCode(text)
	return err
}

// checkCode returns the 6 digits of a code, without the white space around and
// inside them ("123 456"). The error is a *CodeError.
func checkCode(text string) (string, error) {
	code := strings.Join(strings.Fields(text), "")
	switch {
	case code == "":
		return "", &CodeError{Problem: "the MFA code is empty"}
	case strings.Trim(code, "0123456789") != "":
		return "", &CodeError{Problem: "an MFA code has only digits"}
	case len(code) != CodeLength:
		return "", &CodeError{Problem: fmt.Sprintf("an MFA code has %d digits, not %d", CodeLength, len(code))}
	}
	return code, nil
}
