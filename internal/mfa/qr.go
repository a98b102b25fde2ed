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

// QR is a seed as a QR code for an authenticator app. It is as secret as the seed.
type QR struct {
	side int // in modules, with the border
	dark func(x, y int) bool
}

const (
	// quiet is the light border around a code, in modules. ISO/IEC 18004 wants 4, but
	// phones accept 2, and then the code of an AWS seed fits into 24 lines.
	quiet = 2
	// pixels is the side of a module in the picture.
	pixels = 8
)

// NewQR makes the QR code of a seed. The app shows issuer and account.
func NewQR(seed creds.Seed, issuer, account string) (QR, error) {
	// Defaults are left out, because a smaller code is easier to scan.
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
		return QR{}, &SeedError{"does not fit a QR code"} // qr's error may quote the seed
	}
	side := code.Bounds().Dx()
	return QR{side + 2*quiet, func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return x >= 0 && y >= 0 && x < side && y < side && code.At(x, y) == color.Black
	}}, nil
}

// Text draws the code with two modules in a character. It is black on white in
// every terminal: these two colors are not among the first 16, which users can
// change.
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
		panic(err) // encoding a picture in memory does not fail
	}
	return b.Bytes()
}
