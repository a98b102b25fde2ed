package creds

import (
	"strings"
	"unicode/utf16"
)

// Typed is a secret from a file or a variable as a person would type it: without the
// line end after it, and without what programs of Windows do to a file. Notepad ends
// lines with CR and LF and may put a byte order mark before the text, and PowerShell
// 5.1 writes UTF-16. In UTF-8 the same bytes are not a text, or begin with a character
// that nobody can type.
func Typed(text string) string {
	switch {
	case strings.HasPrefix(text, "\xff\xfe"):
		text = fromUTF16(text[2:], 0)
	case strings.HasPrefix(text, "\xfe\xff"):
		text = fromUTF16(text[2:], 1)
	default:
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if line, ok := strings.CutSuffix(text, "\n"); ok {
		return strings.TrimSuffix(line, "\r")
	}
	return text
}

// fromUTF16 is UTF-8 of UTF-16; low is the place of the low byte in each pair.
func fromUTF16(text string, low int) string {
	units := make([]uint16, 0, len(text)/2+1)
	for i := 0; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i+low])|uint16(text[i+1-low])<<8)
	}
	if len(text)%2 != 0 {
		units = append(units, 0) // half a character: not a passphrase
	}
	return string(utf16.Decode(units))
}
