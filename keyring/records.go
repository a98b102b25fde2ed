package keyring

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"fob/internal/creds"
)

// Kind is what an item is.
type Kind string

// The kinds of items. The values are part of file names, headers and subkeys.
const (
	KindKey     Kind = "key"     // a long-lived access key, named by profile
	KindSeed    Kind = "seed"    // the seed of a one-time code device, named by MFA serial
	KindSession Kind = "session" // a cached session, named by source and ID
	KindToken   Kind = "token"   // a sign-in, named by what was signed in to and ID
	// A key that is being replaced, and the one that replaces it, named by profile.
	KindRotation Kind = "rotation"
	KindRetired  Kind = "retired" // by what a key that is no longer used is recognized, named by a hash
	KindBackup   Kind = "backup"  // files as they were with keys in them, named by ID
)

func kinds() []Kind {
	return []Kind{KindKey, KindSeed, KindSession, KindToken, KindRotation, KindRetired, KindBackup}
}

// noun is what users call it.
func (k Kind) noun() string {
	switch k {
	case KindSeed:
		return "MFA secret"
	case KindToken:
		return "sign-in"
	case KindRetired:
		return "retired key"
	}
	return string(k)
}

// subkey is the kind whose subkey encrypts an item. A token makes sessions without a
// person, so what opens the sessions opens it too. Rotations and backups hold keys, and a
// retired key is written when its successor is stored, so that nobody is asked twice.
func (k Kind) subkey() Kind {
	switch k {
	case KindToken:
		return KindSession
	case KindRotation, KindRetired, KindBackup:
		return KindKey
	}
	return k
}

// fromSignIn reports whether an item of the kind comes from signing in, which brings a
// damaged one back.
func (k Kind) fromSignIn() bool { return k == KindSession || k == KindToken }

// maxFile is the most bytes that a file of the kind may have.
func (k Kind) maxFile() int64 {
	if k == KindBackup {
		return maxBackupFile
	}
	return maxItemFile
}

// parts is how many names an item of the kind has; -1 for an unknown kind.
func (k Kind) parts() int {
	switch k {
	case KindKey, KindSeed, KindRotation, KindRetired, KindBackup:
		return 1
	case KindSession, KindToken:
		return 2
	}
	return -1
}

// Info is an item's header, which can be read without opening the store. It is
// authenticated only if it was returned with the secret. Otherwise it may be shown,
// and be a reason to refuse something.
type Info struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // profile, MFA serial, a session's source, what was signed in to, a hash, or an ID
	// ID distinguishes the sessions or tokens of one name. It is only in the file name.
	ID string `json:"-"`
	// KeyID of a rotation is the new key's, once there is one. That of a backup are those of
	// all its keys, with commas.
	KeyID   string `json:"key_id,omitempty"`
	Account string `json:"account,omitempty"`
	// ARN is the caller identity when the key was added, or who signed in; empty if it was
	// not verified.
	ARN     string    `json:"arn,omitempty"`
	Created time.Time `json:"created,omitzero"` // UTC, whole seconds, like Expires
	Expires time.Time `json:"expires,omitzero"` // zero: never, or a token that is only a registration
	// Refresh: of a token, that the next one needs no person.
	Refresh bool `json:"refresh,omitempty"`
	// MFA is when the MFA code behind a session was used, by AWS's clock; zero for no
	// MFA.
	MFA time.Time `json:"mfa,omitzero"`
	// KeyCreated is when AWS made a key, as AWS says; zero if that is not known.
	KeyCreated time.Time `json:"key_created,omitzero"`
	// Rev is random, and new with every write.
	Rev string `json:"rev,omitempty"`
	// SourceRev is the Rev of the key that a session was made with; empty if that key is
	// not in the store.
	SourceRev string `json:"source_rev,omitempty"`
}

// file is the name of the item's file; "" if no file can have it.
func (i Info) file() string {
	parts := []string{i.Name}
	if i.ID != "" {
		parts = append(parts, i.ID)
	}
	file, err := fileName(i.Kind, parts...)
	if err != nil {
		return ""
	}
	return file
}

// PutBack reports whether the clock here has been put back since the item was written.
// Those of machines that share a store may differ by a minute.
func (i Info) PutBack(now time.Time) bool { return i.Created.Sub(now) > time.Minute }

func (i Info) text() string { return i.Name + i.KeyID + i.Account + i.ARN + i.SourceRev }

// record is the secret part of an item.
type record interface {
	text() string // all of its text
}

// The records have fields of plain text, because a creds.Secret cannot be marshalled.
// V is the version of the record.
type (
	keyRecord struct {
		V      int    `json:"v"`
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	seedRecord struct {
		V             int    `json:"v"`
		Secret        string `json:"secret"`
		Algorithm     string `json:"algorithm"`
		Digits        int    `json:"digits"`
		PeriodSeconds int    `json:"period_seconds"`
	}
	sessionRecord struct {
		V       int       `json:"v"`
		ID      string    `json:"id"`
		Secret  string    `json:"secret"`
		Token   string    `json:"token,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
		Account string    `json:"account,omitempty"`
		MFA     time.Time `json:"mfa,omitzero"`
	}
	tokenRecord struct {
		V       int            `json:"v"`
		Access  string         `json:"access,omitempty"`
		Refresh string         `json:"refresh,omitempty"`
		Expires time.Time      `json:"expires,omitzero"`
		Client  clientRecord   `json:"client,omitzero"`
		Session *sessionRecord `json:"session,omitempty"`
		DPoPKey string         `json:"dpop_key,omitempty"`
		IDToken string         `json:"id_token,omitempty"`
	}
	clientRecord struct {
		ID      string    `json:"id"`
		Secret  string    `json:"secret,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
		Grant   string    `json:"grant,omitempty"`
	}
)

func (r keyRecord) text() string     { return r.ID + r.Secret }
func (r seedRecord) text() string    { return r.Secret + r.Algorithm }
func (r sessionRecord) text() string { return r.ID + r.Secret + r.Token + r.Account }

func (r tokenRecord) text() string {
	text := r.Access + r.Refresh + r.Client.ID + r.Client.Secret + r.Client.Grant + r.DPoPKey + r.IDToken
	if r.Session != nil {
		text += r.Session.text()
	}
	return text
}

func packKey(k creds.Key) keyRecord { return keyRecord{1, k.ID, k.Secret.Reveal()} }

func (r keyRecord) unpack() creds.Key { return creds.Key{ID: r.ID, Secret: creds.NewSecret(r.Secret)} }

func packSeed(s creds.Seed) seedRecord {
	return seedRecord{1, s.Secret.Reveal(), s.Algorithm, s.Digits, int(s.Period / time.Second)}
}

func (r seedRecord) unpack() creds.Seed {
	return creds.Seed{Secret: creds.NewSecret(r.Secret), Algorithm: r.Algorithm, Digits: r.Digits,
		Period: time.Duration(r.PeriodSeconds) * time.Second}
}

func packSession(s creds.Session) sessionRecord {
	return sessionRecord{1, s.ID, s.Secret.Reveal(), s.Token.Reveal(), seconds(s.Expires), s.AccountID, seconds(s.MFA)}
}

func (r sessionRecord) unpack() creds.Session {
	return creds.Session{Key: creds.Key{ID: r.ID, Secret: creds.NewSecret(r.Secret)},
		Token: creds.NewSecret(r.Token), Expires: r.Expires, AccountID: r.Account, MFA: r.MFA}
}

func packToken(t creds.Token) tokenRecord {
	r := tokenRecord{
		V: 1, Access: t.Access.Reveal(), Refresh: t.Refresh.Reveal(), Expires: seconds(t.Expires),
		Client:  clientRecord{t.Client.ID, t.Client.Secret.Reveal(), seconds(t.Client.Expires), t.Client.Grant},
		DPoPKey: t.DPoPKey.Reveal(), IDToken: t.IDToken.Reveal(),
	}
	if t.Session != (creds.Session{}) {
		s := packSession(t.Session)
		r.Session = &s
	}
	return r
}

func (r tokenRecord) unpack() creds.Token {
	t := creds.Token{
		Access: creds.NewSecret(r.Access), Refresh: creds.NewSecret(r.Refresh), Expires: r.Expires,
		Client:  creds.Client{ID: r.Client.ID, Secret: creds.NewSecret(r.Client.Secret), Expires: r.Client.Expires, Grant: r.Client.Grant},
		DPoPKey: creds.NewSecret(r.DPoPKey), IDToken: creds.NewSecret(r.IDToken),
	}
	if r.Session != nil {
		t.Session = r.Session.unpack()
	}
	return t
}

// seconds truncates a time to whole seconds, as stored times are. It rounds down, so
// that nothing lives longer because it was stored.
func seconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// decodeRecord reads a decrypted record into r.
func decodeRecord(file string, plain []byte, r any) error {
	var version struct{ V int }
	if err := json.Unmarshal(plain, &version); err != nil {
		return &DamagedError{file, "its record is not JSON"} // the cause would quote the secret
	}
	if version.V > 1 {
		return &FutureError{file}
	}
	if err := json.Unmarshal(plain, r); err != nil {
		return &DamagedError{file, "its record does not have the expected fields"}
	}
	return nil
}

// encodeJSON is json.Marshal without HTML escapes, which other languages do not write.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // our own structs of strings and numbers
	}
	return slices.Clip(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
