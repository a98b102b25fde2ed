package mfa

import "errors"

// pairTries is how many codes are made for two in a row: this computer may sleep
// between two, and another program may take one.
const pairTries = 5

// ErrNoPair means that others took the codes between those that were made.
var ErrNoPair = errors.New("could not make two MFA codes in a row: another program uses this device")

// Pair makes codes until two are of steps in a row, as IAM wants them.
func Pair(next func() (Answer, error)) (first, second string, err error) {
	var one Answer
	for range pairTries {
		two, err := next()
		if err != nil {
			return "", "", err
		}
		if one.Code != "" && two.Step == one.Step+1 {
			return one.Code, two.Code, nil
		}
		one = two
	}
	return "", "", ErrNoPair
}
