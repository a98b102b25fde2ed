//go:build !linux

package keyring

func desktopSlotsUnderTest() []slotUnderTest { return nil }
