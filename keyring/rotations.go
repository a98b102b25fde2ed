package keyring

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fob/internal/creds"
)

// Rotation returns the rotation of a profile's key that is in progress and its verified
// header, or a *NotFoundError.
func (s *Store) Rotation(ctx context.Context, profile string) (creds.Rotation, Info, error) {
	var r rotationRecord
	info, err := s.get(ctx, &r, KindRotation, profile)
	return r.unpack(), info, err
}

// SetRotation stores how far a rotation has come. It uses only Account, ARN, KeyCreated
// and Rev of i: Rev is that of the rotation which r continues, and empty if there must be
// none yet. If the store has another one, the error is a *ChangedError and nothing is
// written: what another process stored may be all that there is of a key. When SetRotation
// returns without an error, r survives a power cut.
func (s *Store) SetRotation(ctx context.Context, profile string, r creds.Rotation, i Info) (Info, error) {
	info := Info{Kind: KindRotation, Name: profile, KeyID: r.New.ID, Account: i.Account, ARN: i.ARN, KeyCreated: seconds(i.KeyCreated)}
	return s.putBy(ctx, func(d dir, h header, subkey []byte, write func() error) error {
		now, err := s.read(d, KindRotation, profile)
		if err == nil {
			_, err = now.open(subkey, h.ID)
		}
		if err != nil && !absent(err) {
			return err // a damaged one may have the only copy of a key
		}
		return s.ifRevision(ctx, d, KindRotation, profile, i.Rev, func(item, error) error { return write() })
	}, info, packRotation(r), profile)
}

// RotationInfo returns a rotation's header, or a *NotFoundError. It does not open the
// store.
func (s *Store) RotationInfo(profile string) (Info, error) { return s.info(KindRotation, profile) }

// RemoveRotation removes a rotation, and with it a key that is nowhere else; or it
// returns a *NotFoundError. rev is that of the rotation which was read: if the store has
// another one, the error is a *ChangedError and nothing is removed.
func (s *Store) RemoveRotation(profile, rev string) error {
	return s.removeIf(context.Background(), KindRotation, profile, rev)
}

// Backup returns what files held before a change and its verified header, or a
// *NotFoundError.
func (s *Store) Backup(ctx context.Context, id string) (creds.Backup, Info, error) {
	var r backupRecord
	info, err := s.get(ctx, &r, KindBackup, id)
	return r.unpack(), info, err
}

// SetBackup stores what files held before a change. Its header has the IDs of b.Keys. When
// it returns without an error, the backup survives a power cut.
func (s *Store) SetBackup(ctx context.Context, id string, b creds.Backup) (Info, error) {
	return s.put(ctx, Info{Kind: KindBackup, Name: id, KeyID: strings.Join(b.Keys, ",")}, packBackup(b), id)
}

// RemoveBackup removes a backup, or returns a *NotFoundError.
func (s *Store) RemoveBackup(id string) error {
	return s.remove(context.Background(), KindBackup, id)
}

// ChangedError says that another process has changed an item in the meantime.
type ChangedError struct {
	Kind Kind
	Name string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("another fob has changed the %s of %q in the meantime", e.Kind.noun(), e.Name)
}

// The records of a rotation and a backup. The bytes of files are []byte, which JSON has in
// base64: they need not be UTF-8.
type (
	rotationRecord struct {
		V           int       `json:"v"`
		Step        string    `json:"step"`
		Old         keyPair   `json:"old"`
		New         keyPair   `json:"new,omitzero"`
		User        string    `json:"user,omitempty"`
		Account     string    `json:"account,omitempty"`
		Began       time.Time `json:"began,omitzero"`
		Created     time.Time `json:"created,omitzero"`
		Switched    time.Time `json:"switched,omitzero"`
		Deactivated time.Time `json:"deactivated,omitzero"`
		KeepOld     bool      `json:"keep_old,omitempty"`
		Profiles    []string  `json:"profiles,omitempty"`
		Used        keyUse    `json:"used,omitzero"`
		UseUnknown  bool      `json:"use_unknown,omitempty"`
		Left        bool      `json:"left,omitempty"`
		Machine     string    `json:"machine,omitempty"`
	}
	keyUse struct {
		At      time.Time `json:"at"`
		Service string    `json:"service,omitempty"`
		Region  string    `json:"region,omitempty"`
	}
	keyPair struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	backupRecord struct {
		V        int          `json:"v"`
		Files    []fileRecord `json:"files"`
		Profiles []string     `json:"profiles,omitempty"`
		Keys     []string     `json:"keys,omitempty"`
		Stored   []string     `json:"stored,omitempty"`
		From     []string     `json:"from,omitempty"`
		Machine  string       `json:"machine,omitempty"`
	}
	fileRecord struct {
		Path  string `json:"path"`
		Mode  uint32 `json:"mode"`
		Text  []byte `json:"text"`
		After []byte `json:"after"`
	}
)

func packPair(k creds.Key) keyPair { return keyPair{k.ID, k.Secret.Reveal()} }

func (p keyPair) unpack() creds.Key { return creds.Key{ID: p.ID, Secret: creds.NewSecret(p.Secret)} }

func (r rotationRecord) text() string {
	return fmt.Sprint(r.Step, r.Old, r.New, r.User, r.Account, r.Profiles, r.Used.Service, r.Used.Region, r.Machine)
}

func packRotation(r creds.Rotation) rotationRecord {
	return rotationRecord{
		1, r.Step, packPair(r.Old), packPair(r.New), r.User, r.Account,
		seconds(r.Began), seconds(r.Created), seconds(r.Switched), seconds(r.Deactivated), r.KeepOld, r.Profiles,
		keyUse{seconds(r.Used.At), r.Used.Service, r.Used.Region}, r.UseUnknown, r.Left, r.Machine,
	}
}

func (r rotationRecord) unpack() creds.Rotation {
	return creds.Rotation{
		Step: r.Step, Old: r.Old.unpack(), New: r.New.unpack(), User: r.User, Account: r.Account,
		Began: r.Began, Created: r.Created, Switched: r.Switched, Deactivated: r.Deactivated, KeepOld: r.KeepOld, Profiles: r.Profiles,
		Used: creds.KeyUse(r.Used), UseUnknown: r.UseUnknown, Left: r.Left, Machine: r.Machine,
	}
}

// text has no bytes of files, which may be any.
func (r backupRecord) text() string {
	text := fmt.Sprint(r.Profiles, r.Keys, r.Stored, r.From, r.Machine)
	for _, f := range r.Files {
		text += f.Path
	}
	return text
}

func packBackup(b creds.Backup) backupRecord {
	r := backupRecord{V: 1, Profiles: b.Profiles, Keys: b.Keys, Stored: b.Stored, From: b.From, Machine: b.Machine}
	for _, f := range b.Files {
		r.Files = append(r.Files, fileRecord{f.Path, f.Mode, []byte(f.Text.Reveal()), []byte(f.After.Reveal())})
	}
	return r
}

func (r backupRecord) unpack() creds.Backup {
	b := creds.Backup{Profiles: r.Profiles, Keys: r.Keys, Stored: r.Stored, From: r.From, Machine: r.Machine}
	for _, f := range r.Files {
		b.Files = append(b.Files, creds.BackupFile{Path: f.Path, Mode: f.Mode, Text: creds.NewSecret(string(f.Text)), After: creds.NewSecret(string(f.After))})
	}
	return b
}
