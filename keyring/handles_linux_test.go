package keyring

import (
	"os"
	"testing"
	"time"
)

// A Store keeps one directory open, and no call opens another one for good: fob
// doctor makes a plan for each of a thousand profiles.
func TestHandlesAreClosed(t *testing.T) {
	s := newStore(t)
	info := mustSetKey(t, s, "p", exampleKey)
	if err := s.SaveSession(t.Context(), "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	mustSetToken(t, s, exampleToken("1", time.Now()))
	handles := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	s = New(s.opts)
	before := handles() + 1
	for range 100 {
		s.Exists()
		s.KeyInfo("p")
		s.KeyInfo("none")
		s.Infos(KindKey)
		s.SessionInfo("p", "1")
		s.Session(t.Context(), "p", "1")
		s.Session(t.Context(), "p", "none")
		s.TokenInfo(portal, portalID)
		s.Token(t.Context(), portal, portalID)
		s.Token(t.Context(), portal, "none")
		s.LockState("x")
	}
	if after := handles(); after > before {
		t.Errorf("at most %d open files before, %d after", before, after)
	}
}
