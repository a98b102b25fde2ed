package mfa

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"strings"

	"fob/internal/creds"

	"github.com/boombuler/barcode/qr"
)

// QR is the seed as an authenticator app on a phone takes it. It is as secret as
// the seed.
type QR struct {
	side int
	dark func(x, y int) bool // anywhere
}

const (
	// quiet is the light border around a code, in modules: ISO/IEC 18004 has 4, but
	// with 2, which phones take, the code of an AWS seed fits 24 lines.
	quiet = 2
	// pixels are those of a module in the picture, a side.
	pixels = 8
)

// NewQR makes the code of a seed; issuer and account are what the app shows.
func NewQR(seed creds.Seed, issuer, account string) (QR, error) {
	// What is left at its default is left out: a smaller code is easier to scan.
	uri := "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?secret=" + seed.Secret.Reveal()
	if seed.Algorithm != "SHA1" {
		uri += "&algorithm=" + seed.Algorithm
	}
	if seed.Digits != defaultDigits {
		uri += fmt.Sprintf("&digits=%d", seed.Digits)
	}
	if seed.Period != defaultPeriod {
		uri += fmt.Sprintf("&period=%d", int(seed.Period.Seconds()))
	}
	code, err := qr.Encode(uri, qr.L, qr.Auto)
	if err != nil {
		return QR{}, &SeedError{"does not fit a QR code"} // what qr says may quote it
	}
	side := code.Bounds().Dx()
	return QR{side + 2*quiet, func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return x >= 0 && y >= 0 && x < side && y < side && code.At(x, y) == color.Black
	}}, nil
}

// Text draws the code, two modules in a character, black on white whatever the
// terminal's colours are: the 16 first colours are the user's to change, and
// these two are not.
func (q QR) Text() string {
	var b strings.Builder
	for y := 0; y < q.side; y += 2 {
		b.WriteString("\x1b[38;5;16;48;5;231m")
		for x := range q.side {
			switch top, bottom := q.dark(x, y), q.dark(x, y+1); {
			case top && bottom:
				b.WriteString("█")
			case top:
				b.WriteString("▀")
			case bottom:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}

// PNG is the code as a picture.
func (q QR) PNG() []byte {
	img := image.NewPaletted(image.Rect(0, 0, q.side*pixels, q.side*pixels), color.Palette{color.White, color.Black})
	for y := range q.side * pixels {
		for x := range q.side * pixels {
			if q.dark(x/pixels, y/pixels) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a picture in memory can be encoded
	}
	return b.Bytes()
}
