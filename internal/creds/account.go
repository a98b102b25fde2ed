package creds

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
)

// GuessAccount is the account that an access key ID of AWS's has inside; "" if it has
// none, like all of before 2019, whose fifth character is I or J. AWS does not document
// this: it is good for what a person reads, and decides nothing.
func GuessAccount(id string) string {
	const prefix, body = 4, 16
	if len(id) != prefix+body || !slices.Contains([]string{"AKIA", "ASIA", "ABIA", "ACCA"}, id[:prefix]) || id[prefix] == 'I' || id[prefix] == 'J' {
		return ""
	}
	bits, err := base32.StdEncoding.DecodeString(id[prefix:])
	if err != nil {
		return ""
	}
	n := binary.BigEndian.Uint64(bits) >> 16 & 0x7fffffffff80 >> 7
	if n == 0 || n > 999_999_999_999 {
		return ""
	}
	return fmt.Sprintf("%012d", n)
}

// ShortID is an access key ID by which its owner knows it again: AKIA...MPLE.
func ShortID(id string) string {
	if len(id) < 12 {
		return id
	}
	return id[:4] + "..." + id[len(id)-4:]
}
