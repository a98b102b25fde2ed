package keyring

import "testing"

func plantFIFO(t *testing.T, _ string) { t.Skip("no FIFOs") }

func plantDevice(t *testing.T, _ string) { t.Skip("no devices") }
