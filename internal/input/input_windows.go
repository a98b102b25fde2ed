package input

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"time"
)

// Windows has no named pipes in directories.
const nonBlock = 0

// errSharing is ERROR_SHARING_VIOLATION of winerror.h.
const errSharing = syscall.Errno(32)

// Retry calls f again, for up to 2 s, while another program uses a file in a way that
// forbids what f does with it: a virus scanner, an indexer, another fob. Access is also
// denied to a file that was removed or replaced, until everybody has closed it.
func Retry(f func() error) error {
	for deadline := time.Now().Add(2 * time.Second); ; {
		err := f()
		if !errors.Is(err, errSharing) && !errors.Is(err, syscall.ERROR_ACCESS_DENIED) || time.Now().After(deadline) {
			return err
		}
		// At random, so that those who wait for one file do not all try at once.
		time.Sleep(time.Millisecond + rand.N(20*time.Millisecond))
	}
}
