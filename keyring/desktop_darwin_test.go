//go:build cgo

package keyring

import (
	"os"
	"testing"
)

// The user's own login keychain, which is tidied.
func desktopSlotsUnderTest() []slotUnderTest {
	return []slotUnderTest{{"keychain", func(testing.TB) fixture {
		return backendFixture("keychain", func(o *Options) { o.Getenv = os.Getenv })
	}}}
}
