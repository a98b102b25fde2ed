package keyring

import "context"

// Lend returns what another process of this program needs to open the store for a kind
// of item, with Borrow: a subkey, and the mark of the header that it belongs to. It is as
// secret as all items of the kind.
func (s *Store) Lend(ctx context.Context, kind Kind) (mark string, subkey []byte, err error) {
	h, err := s.trusted()
	if err != nil {
		return "", nil, err
	}
	subkey, err = s.subkey(ctx, h, kind)
	return h.mark(), subkey, err
}

// Borrow opens the store with what Lend has returned. With another header on the disk it
// is of no use.
func (s *Store) Borrow(kind Kind, mark string, subkey []byte) {
	if len(subkey) != keySize {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark, s.subkeys = mark, map[Kind][]byte{kind.subkey(): subkey}
}
