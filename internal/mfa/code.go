package mfa

import (
	"fmt"
	"strings"
)

// CodeLength is how many digits AWS takes, for every device.
const CodeLength = 6

// CodeError is a code that AWS would refuse unseen. It never quotes the code.
type CodeError struct {
	Problem string // what is wrong with it: "has 5 digits, not 6"
	used    bool   // it was right once
}

func (e *CodeError) Error() string { return "the MFA code " + e.Problem }

// AskAgain tells package prompt that the person may give another code.
func (e *CodeError) AskAgain() bool { return true }

// CheckCode returns a code as AWS takes it: 6 digits. White space around and
// inside it is dropped ("123 456"). The error is a *CodeError.
func CheckCode(text string) (string, error) {
	code := strings.Join(strings.Fields(text), "")
	switch {
	case code == "":
		return "", &CodeError{Problem: "is empty"}
	case strings.Trim(code, "0123456789") != "":
		return "", &CodeError{Problem: "holds something other than digits"}
	case len(code) != CodeLength:
		return "", &CodeError{Problem: fmt.Sprintf("has %d digits, not %d", len(code), CodeLength)}
	}
	return code, nil
}
