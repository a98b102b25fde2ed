package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// The formats of the store's files, as pure functions between bytes and values.
// doc/format.md describes the same. Version 1 must not change.

const (
	formatVersion = 1
	keySize       = 32 // bytes, of the vault key and of every subkey
	maxHeaderLine = 8 << 10
)

var b64 = base64.RawURLEncoding.Strict()

// header is the file "store": the store's ID, its present generation and its slots.
type header struct {
	Version int    `json:"fob"`
	ID      string `json:"id"`  // 16 random bytes in hex
	Gen     int    `json:"gen"` // from 1; a new vault key is a new generation
	Slots   []slot `json:"slots"`

	line, tag []byte      // the bytes that the tag authenticates, and the tag
	file      fs.FileInfo // of the file that it was read from; nil for a new header
}

// slot is one way to get the vault key.
type slot struct {
	Name string `json:"name"` // the slot's file, if it has one
	Kind string `json:"kind"`
	// Recipients are the public keys of an age slot. They are here, under the tag, so
	// that nobody can trick a re-key into encrypting to another key.
	Recipients []string `json:"recipients,omitempty"`
}

func newHeader(gen int, slots ...slot) header {
	var id [16]byte
	rand.Read(id[:])
	return header{Version: formatVersion, ID: hex.EncodeToString(id[:]), Gen: gen, Slots: slots}
}

// sealed returns the header with its tag under the header subkey.
func (h header) sealed(k subkeys) header {
	h.line = encodeJSON(h)
	h.tag = tag(k.header, h.line)
	return h
}

// encode returns the header file, sealed under the header subkey.
func (h header) encode(k subkeys) []byte {
	h = h.sealed(k)
	return fmt.Appendf(nil, "%s\n%s\n", h.line, b64.EncodeToString(h.tag))
}

// mark identifies the header by every byte of its file. Two machines that both make
// generation 2 write the same line with different tags.
func (h header) mark() string {
	sum := sha256.Sum256(append(append(bytes.Clone(h.line), '\n'), h.tag...))
	return hex.EncodeToString(sum[:16])
}

// verify checks the tag, which proves that the vault key is this store's.
func (h header) verify(k subkeys) error {
	if !hmac.Equal(h.tag, tag(k.header, h.line)) {
		return &DamagedError{headerFile, "its seal does not match"}
	}
	return nil
}

func tag(key, line []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(line)
	return m.Sum(nil)
}

// parseHeader reads the header file. It accepts only the exact bytes that encode
// writes, so there is only one way to read them.
func parseHeader(data []byte) (header, error) {
	damaged := func(problem string) (header, error) { return header{}, &DamagedError{headerFile, problem} }
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	var h header
	if err := json.Unmarshal(line, &h); h.Version > formatVersion {
		return header{}, &FutureError{headerFile}
	} else if err != nil || h.Version != formatVersion {
		return damaged("it is not a store's header")
	}
	if !bytes.Equal(encodeJSON(h), line) || !isStoreID(h.ID) || h.Gen < 1 || len(h.Slots) == 0 {
		return damaged("fob did not write its first line")
	}
	seen := map[string]bool{}
	for _, s := range h.Slots {
		if !isSlotName(s.Name) || !isSlotName(s.Kind) || seen[s.Name] {
			return damaged("it has a bad slot")
		}
		seen[s.Name] = true
	}
	text, ok := bytes.CutSuffix(rest, []byte("\n"))
	seal, err := b64.DecodeString(string(text))
	if !ok || err != nil || len(seal) != sha256.Size || bytes.ContainsAny(text, "\r\n") {
		return damaged("its second line is not a seal")
	}
	h.line, h.tag = line, seal
	return h, nil
}

func isStoreID(s string) bool { return len(s) == 32 && strings.Trim(s, hexDigits) == "" }

// isSlotName reports whether s can name a slot, and so a file.
func isSlotName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && len(s) <= 64 && s[0] != '-' && strings.Trim(s, letters+"-") == ""
}

// payload is the text that a slot keeps: the vault key, and its store, generation and
// slot.
func (h header) payload(slot string, vault []byte) string {
	return fmt.Sprintf("fob-vault-key-1 %s %d %s %s", h.ID, h.Gen, slot, b64.EncodeToString(vault))
}

// vaultKey returns the vault key in a slot's payload. file names the slot in errors.
func (h header) vaultKey(file, slot, payload string) ([]byte, error) {
	fields := strings.Split(payload, " ")
	vault, err := b64.DecodeString(fields[len(fields)-1])
	if err != nil || len(vault) != keySize {
		return nil, &DamagedError{file, "it holds no vault key"}
	}
	if h.payload(slot, vault) != payload {
		return nil, &DamagedError{file, "it belongs to another store, slot or generation"}
	}
	return vault, nil
}

// subkeys are derived from the vault key, which encrypts nothing itself.
type subkeys struct {
	items  map[Kind][]byte
	header []byte
	// fingerprint is not secret. By it, this machine recognizes the vault key (see
	// memory).
	fingerprint string
}

func deriveSubkeys(vault []byte, storeID string) subkeys {
	derive := func(use string) []byte {
		key, err := hkdf.Key(sha256.New, vault, []byte(storeID), "fob v1 "+use, keySize)
		if err != nil {
			panic(err) // only for lengths we do not use
		}
		return key
	}
	k := subkeys{items: map[Kind][]byte{}, header: derive("header"), fingerprint: b64.EncodeToString(derive("fingerprint")[:16])}
	for _, kind := range kinds() {
		k.items[kind] = derive(string(kind.subkey()))
	}
	return k
}

// item is the parsed file of an item.
type item struct {
	file string      // the file's name
	fi   fs.FileInfo // of the file that it was read from
	info Info
	line []byte // the header line, exactly, without its newline
	body []byte // nonce and ciphertext
}

// parseItem reads an item's header, which is not encrypted, and compares it with the
// file name.
func parseItem(file string, data []byte) (item, error) {
	kind, parts, ok := parseFileName(file)
	if !ok {
		return item{}, &DamagedError{file, "fob does not give it such a name"}
	}
	it, err := parseHead(file, data)
	if err != nil {
		return item{}, err
	}
	if it.info.Kind != kind || it.info.Name != parts[0] {
		return item{}, &DamagedError{file, "its header belongs to another item"}
	}
	if len(parts) > 1 {
		it.info.ID = parts[1]
	}
	return it, nil
}

// parseHead is parseItem for a file of any name.
func parseHead(file string, data []byte) (item, error) {
	damaged := func(problem string) (item, error) { return item{}, &DamagedError{file, problem} }
	line, body, ok := bytes.Cut(data, []byte("\n"))
	magic, header, _ := bytes.Cut(line, []byte(" "))
	number, isItem := bytes.CutPrefix(magic, []byte("fob"))
	version, err := strconv.Atoi(string(number))
	switch {
	case isItem && err == nil && version > formatVersion:
		return item{}, &FutureError{file}
	case !isItem || string(number) != strconv.Itoa(formatVersion):
		return damaged("it does not start like an item")
	case !ok || len(line) > maxHeaderLine || len(body) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead:
		return damaged("it is cut short")
	}
	it := item{file: file, line: line, body: body}
	if err := json.Unmarshal(header, &it.info); err != nil {
		return damaged("its header is not JSON")
	}
	return it, nil
}

// additional is the additional data of an item's encryption: the store, the file's
// name and the header. So items cannot be exchanged, and headers cannot be changed.
func additional(storeID, file string, line []byte) []byte {
	return fmt.Appendf(nil, "fob item v1\x00%s\x00%s\x00%s", storeID, file, line)
}

// sealItem returns an item's file.
func sealItem(key []byte, storeID, file string, info Info, r record) []byte {
	line := append([]byte("fob"+strconv.Itoa(formatVersion)+" "), encodeJSON(info)...)
	return sealLine(key, storeID, file, line, encodeJSON(r))
}

// sealLine is sealItem for an encoded header line and record.
func sealLine(key []byte, storeID, file string, line, plain []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce)
	out := append(append(bytes.Clone(line), '\n'), nonce...)
	return newAEAD(key).Seal(out, nonce, plain, additional(storeID, file, line))
}

// open decrypts the item. If it succeeds, fob wrote info.
func (it item) open(key []byte, storeID string) ([]byte, error) {
	nonce, box := it.body[:chacha20poly1305.NonceSizeX], it.body[chacha20poly1305.NonceSizeX:]
	plain, err := newAEAD(key).Open(nil, nonce, box, additional(storeID, it.file, it.line))
	if err != nil {
		return nil, &DamagedError{it.file, "it was changed, or belongs to another store"}
	}
	return plain, nil
}

// decode decrypts the item's record into r.
func (it item) decode(key []byte, storeID string, r any) error {
	plain, err := it.open(key, storeID)
	if err != nil {
		return err
	}
	return decodeRecord(it.file, plain, r)
}

func newAEAD(key []byte) interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
} {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // only for keys that are not 32 bytes
	}
	return aead
}
