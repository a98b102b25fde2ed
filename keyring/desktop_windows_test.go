package keyring

import "testing"

// Real Windows, or wine: the user's own credentials, which are tidied.
func desktopSlotsUnderTest() []slotUnderTest {
	return []slotUnderTest{{"wincred", func(testing.TB) fixture {
		return backendFixture("wincred", func(*Options) {})
	}}}
}
