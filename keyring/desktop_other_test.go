//go:build !linux && !windows && !(darwin && cgo)

package keyring

func desktopSlotsUnderTest() []slotUnderTest { return nil }
