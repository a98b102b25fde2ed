package keyring

import (
	"bytes"
	"encoding/binary"
	"time"
)

// copyTTL is how long the kernel keeps the subkey of a kind. It never keeps the one
// for seeds, which are second factors.
func (s *Store) copyTTL(kind Kind) time.Duration {
	switch kind {
	case KindSession:
		return s.opts.UnlockTTL
	case KindKey:
		return s.opts.UnlockKeysTTL
	}
	return 0
}

// copyName names a copy in the kernel. A copy belongs to the one header that was
// verified with its vault key: with any other header on the disk, even one of the same
// generation, it is not found, and the store is opened again.
func copyName(h header, kind Kind) string { return copiesOf(h) + string(kind) }

func copiesOf(h header) string { return copyPrefix + h.ID + ":" + h.mark() + ":" }

const copyPrefix = "fob:"

const copySize = keySize + 8

// encodeCopy returns a subkey with the time when the kernel will forget it, for fob
// store: the kernel does not tell.
func encodeCopy(key []byte, ends time.Time) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(key), uint64(ends.Unix()))
}

// decodeCopy returns nil if data is not a copy.
func decodeCopy(data []byte) (key []byte, ends time.Time) {
	if len(data) != copySize {
		return nil, time.Time{}
	}
	return data[:keySize:keySize], time.Unix(int64(binary.BigEndian.Uint64(data[keySize:])), 0)
}

// Forget locks the store: it drops the subkeys in this process and the copies in
// the kernel, and returns how many copies there were. It drops those of other
// stores, too: that costs one question, but a copy that is left may cost a key.
func (s *Store) Forget() (int, error) {
	s.mu.Lock()
	s.mark, s.subkeys = "", nil
	s.mu.Unlock()
	return dropCopies(copyPrefix, "")
}
