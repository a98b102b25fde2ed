package keyring

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// copyTTL is how long the kernel keeps the subkey of a kind. Seeds make second
// factors: never.
func (s *Store) copyTTL(kind Kind) time.Duration {
	switch kind {
	case KindSession:
		return s.opts.UnlockTTL
	case KindKey:
		return s.opts.UnlockKeysTTL
	}
	return 0
}

// copyName names a copy in the kernel. The generation is part of it, so that an
// old vault key's copy is never taken for the new one's.
func copyName(h header, kind Kind) string {
	return fmt.Sprintf("%s%s:%d:%s", copyPrefix, h.ID, h.Gen, kind)
}

const copyPrefix = "fob:"

const copySize = keySize + 8

// encodeCopy is what the kernel keeps: a subkey and, for fob store, when it will
// be forgotten, which the kernel tells nobody.
func encodeCopy(key []byte, ends time.Time) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(key), uint64(ends.Unix()))
}

// decodeCopy returns nil for what is no copy.
func decodeCopy(data []byte) (key []byte, ends time.Time) {
	if len(data) != copySize {
		return nil, time.Time{}
	}
	return data[:keySize:keySize], time.Unix(int64(binary.BigEndian.Uint64(data[keySize:])), 0)
}

// Forget drops what this process and the kernel know of opened stores, and
// returns how many copies the kernel had. It takes those of other stores too:
// to forget too much costs one question, to forget too little may cost a key.
func (s *Store) Forget() (int, error) {
	s.mu.Lock()
	s.id, s.subkeys = "", nil
	s.mu.Unlock()
	return dropCopies(copyPrefix)
}
