package keyring

import "testing"

func plantFIFO(t *testing.T, _ string) { t.Skip("no FIFOs") }
