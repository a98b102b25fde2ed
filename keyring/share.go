package keyring

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"

	"fob/internal/creds"
)

// Where the kernel keeps no copy, each of many processes that start at once would have
// to derive the same key from the same passphrase, at 128 MiB and a third of a second
// each. Instead one does it, and hands the slot's payload to those who wait and prove
// that they have the same passphrase, which gives them no more than they could derive.
//
// The holder of the derive lock listens on a socket in the store's directory, which is
// this user's alone; both ends check the other's user. The holder sends a salt, the
// waiter a nonce and a MAC, the holder the payload, encrypted. The keys of both come
// from the passphrase, by scrypt of a 32nd of the slot's cost: who does not know the
// passphrase gets nothing, and cannot pass anything off as the payload. The waiter
// verifies the header with it, as if it had opened the slot itself.

const (
	// A program of this user that plays the holder gets one MAC, and can guess at the
	// passphrase with it, so the MAC must not be cheap: 4 MiB and about 10 ms.
	shareWorkFactor = 12

	// shareLast is how long a holder that has the payload takes on others, if somebody
	// has connected, shareLinger how long it waits until they are all served, and
	// shareLimit how long one exchange may take.
	shareLast   = 50 * time.Millisecond
	shareLinger = time.Second
	shareLimit  = 10 * time.Second

	shareSize = 32 // of the salt, the nonce and the MAC, in bytes
)

// The first byte of a holder's answer.
const (
	shareOpened = iota
	shareWrong  // the passphrase is wrong, for both
)

// terms are what the two ends of an exchange must agree in.
type terms struct {
	secret creds.Secret
	file   []byte // of the slot
	mark   string // of the header
}

// key is derived from the passphrase. The slot's file has a salt of its own, so that
// work done in advance counts for one store only.
func (w terms) key(salt []byte) []byte {
	sum := sha256.New()
	sum.Write(salt)
	sum.Write(w.file)
	key, err := scrypt.Key([]byte(w.secret.Reveal()), sum.Sum(nil), 1<<shareWorkFactor, 8, 1, keySize)
	if err != nil {
		panic(err) // the parameters are constants
	}
	return key
}

// proof is the waiter's MAC.
func (w terms) proof(key, nonce []byte) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "fob share v1\x00%s\x00", w.mark)
	mac.Write(nonce)
	return mac.Sum(nil)
}

// seal is the cipher of the answer to one waiter.
func (w terms) seal(key, nonce []byte) cipher.AEAD {
	k, err := hkdf.Key(sha256.New, key, nonce, "fob share v1 answer "+w.mark, chacha20poly1305.KeySize)
	if err != nil {
		panic(err) // the length is a constant
	}
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		panic(err)
	}
	return aead
}

// errNotShared means that the other end did not show that it knows the passphrase, or
// belongs to another user.
var errNotShared = errors.New("it does not have the same passphrase")

// receive is the waiter's part of an exchange.
func (w terms) receive(conn io.ReadWriter) (payload string, err error) {
	salt, nonce := make([]byte, shareSize), make([]byte, shareSize)
	if _, err := io.ReadFull(conn, salt); err != nil {
		return "", err
	}
	rand.Read(nonce)
	key := w.key(salt)
	if _, err := conn.Write(append(nonce, w.proof(key, nonce)...)); err != nil {
		return "", err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return "", err
	}
	sealed := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, sealed); err != nil {
		return "", err
	}
	aead := w.seal(key, nonce)
	if len(sealed) < aead.NonceSize() {
		return "", errNotShared
	}
	answer, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
	switch {
	case err != nil || len(answer) == 0:
		return "", errNotShared
	case answer[0] == shareWrong:
		return "", ErrWrongPassphrase
	}
	return string(answer[1:]), nil
}

// holder hands a payload over, once it has it.
type holder struct {
	terms
	salt     []byte
	key      func() []byte
	listener *net.UnixListener
	remove   func()        // removes the socket
	known    chan struct{} // closed when answer is there
	answer   []byte        // nil: there is nothing to hand over
	accepted chan struct{} // closed when no more connections will be accepted
	waiters  atomic.Int32  // that have connected
	serving  sync.WaitGroup
}

// startSharing begins to listen to those who wait. The caller has the derive lock.
func (s *Store) startSharing(w terms) (*holder, error) {
	listener, remove, err := s.listen()
	if err != nil {
		return nil, err
	}
	salt := make([]byte, shareSize)
	rand.Read(salt)
	h := &holder{terms: w, salt: salt, listener: listener, remove: remove, known: make(chan struct{}), accepted: make(chan struct{})}
	h.key = sync.OnceValue(func() []byte { return w.key(salt) })
	go h.accept()
	return h, nil
}

func (h *holder) accept() {
	defer close(h.accepted)
	for {
		conn, err := h.listener.AcceptUnix()
		if err != nil {
			return
		}
		h.waiters.Add(1)
		h.serving.Go(func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(shareLimit)) // a socket takes it
			if sameUser(conn) {
				_ = h.send(conn) // a waiter that gets nothing waits for the lock
			}
		})
	}
}

// send is the holder's part of an exchange.
func (h *holder) send(conn io.ReadWriter) error {
	if _, err := conn.Write(h.salt); err != nil {
		return err
	}
	text := make([]byte, 2*shareSize)
	if _, err := io.ReadFull(conn, text); err != nil {
		return err
	}
	nonce, proof := text[:shareSize], text[shareSize:]
	if !hmac.Equal(proof, h.proof(h.key(), nonce)) {
		return errNotShared
	}
	<-h.known
	if h.answer == nil {
		return nil
	}
	aead := h.seal(h.key(), nonce)
	random := make([]byte, aead.NonceSize())
	rand.Read(random)
	sealed := aead.Seal(random, random, h.answer, nil)
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(sealed))), sealed...))
	return err
}

// hand answers those who have connected, with the payload or because the passphrase
// is wrong, and stops to listen. It takes no time if nobody waits.
func (h *holder) hand(payload string, err error) {
	switch {
	case err == nil:
		h.answer = append([]byte{shareOpened}, payload...)
	case errors.Is(err, ErrWrongPassphrase):
		h.answer = []byte{shareWrong}
	}
	close(h.known)
	last := time.Now()
	if h.answer != nil && h.waiters.Load() > 0 {
		last = last.Add(shareLast)
	}
	_ = h.listener.SetDeadline(last) // it fails if the listener is closed
	<-h.accepted
	h.remove()
	_ = h.listener.Close()
	served := make(chan struct{})
	go func() { h.serving.Wait(); clear(h.answer); close(served) }()
	select {
	case <-served:
	case <-time.After(shareLinger):
	}
}

// turn is a process's turn to open the store.
type turn struct {
	release func()
	// holder hands the payload to those who wait; nil if nobody can.
	holder *holder
	// served is the payload, if another process handed it over.
	served string
}

// end ends the turn.
func (t turn) end() {
	if t.holder != nil {
		t.hand("", errNotShared)
	}
	if t.release != nil {
		t.release()
	}
}

// hand hands the payload over, once.
func (t turn) hand(payload string, err error) {
	if t.holder == nil {
		return
	}
	select {
	case <-t.holder.known:
	default:
		t.holder.hand(payload, err)
	}
}

// deriveTurn waits until this process may derive the key of a slot whose passphrase is
// given, or has got it from the process that it waited for.
func (s *Store) deriveTurn(ctx context.Context, h header, m memory, sl slot) (turn, error) {
	secret, _, err := s.givenPassphrase()
	var file []byte
	if err == nil {
		file, err = s.slotFile(slotFileName(h, sl))
	}
	if err != nil {
		return turn{}, nil // to open the slot will fail, and say why
	}
	w := terms{secret, file, h.mark()}
	waiting, stop := context.WithCancelCause(ctx)
	var payload string
	var failed error
	var asking sync.WaitGroup
	lock, err := s.lock(waiting, deriveLock, false, func() {
		s.logf("waiting for another fob")
		asking.Go(func() {
			if payload, failed = s.askHolder(waiting, w, h, m, sl); payload != "" || failed != nil {
				stop(errServed)
			}
		})
	})
	stop(nil)
	asking.Wait()
	if lock != nil && (payload != "" || failed != nil) {
		lock.Unlock()
	}
	switch {
	case failed != nil:
		return turn{}, failed
	case payload != "":
		s.logf("another fob has opened the store")
		return turn{served: payload}, nil
	case err != nil && ctx.Err() != nil:
		return turn{}, err
	case err != nil:
		s.logf("no lock %q: %v", deriveLock, err)
		return turn{}, nil
	}
	t := turn{release: func() { lock.Unlock() }}
	if t.holder, err = s.startSharing(w); err == nil || s.opts.UnlockTTL > 0 {
		return t, nil
	}
	// Everybody has to derive the key, as many at once as there are processors; only
	// memory limits that, with 128 MiB each.
	s.logf("cannot share the opened store: %v", err)
	lock.Unlock()
	release, err := s.bestEffortLock(ctx, fmt.Sprintf("%s%d", deriveLock, mathrand.IntN(min(runtime.NumCPU(), 4))), "")
	return turn{release: release}, err
}

// errServed stays inside the package: there is no need to wait for the lock.
var errServed = errors.New("another process has answered")

// askHolder asks the holder of the derive lock for the payload, until it is there or
// ctx ends. The error is a *WrongPassphraseError, or nil.
func (s *Store) askHolder(ctx context.Context, w terms, h header, m memory, sl slot) (payload string, err error) {
	for pause := time.Duration(0); ; {
		payload, err := s.askOnce(ctx, w)
		if err == nil {
			vault, _, err := h.unwrap(m, sl, payload)
			clear(vault)
			if err == nil {
				return payload, nil
			}
		}
		if errors.Is(err, ErrWrongPassphrase) {
			return "", s.wrongPassphrase(h, sl)
		}
		// Nobody listens, or has another passphrase or header: the next one may have ours.
		pause = min(pause*5/4+lockPoll, lockPollMost)
		select {
		case <-ctx.Done():
			return "", nil
		case <-time.After(pause):
		}
	}
}

// askOnce asks one holder.
func (s *Store) askOnce(ctx context.Context, w terms) (string, error) {
	conn, err := s.dial()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if !sameUser(conn) {
		return "", errNotShared
	}
	return w.receive(conn)
}
