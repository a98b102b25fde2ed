package ststest

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"fob/internal/creds"
)

// The part of IAM about a user's own access keys:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html

// maxKeys is how many access keys a user may have, active or not:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxKeys = 2

// A KeyState is what IAM knows of an access key.
type KeyState struct {
	ID     string `json:"id"`
	Active bool   `json:"active"`
	// Created is rounded to seconds, as IAM does.
	Created time.Time `json:"created"`
}

// A use is when and where a key was used last; the zero value says never.
type use struct {
	at              time.Time
	service, region string
}

// Keys lists a user's access keys, oldest first.
func (s *Server) Keys(user string) []KeyState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []KeyState
	for _, c := range s.world.keysOf(user) {
		list = append(list, KeyState{c.ID, !c.inactive, c.created})
	}
	return list
}

func (w world) keysOf(user string) []*credential {
	var keys []*credential
	for _, c := range w.credentials {
		if !c.caller.session && c.caller.user == user {
			keys = append(keys, c)
		}
	}
	slices.SortFunc(keys, func(a, b *credential) int {
		if d := a.created.Compare(b.created); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
	return keys
}

// AgeKey makes a key d older; an unknown key is ignored.
func (s *Server) AgeKey(id string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.world.credentials[id]; c != nil {
		c.created = c.created.Add(-d)
	}
}

// NameKeys gives the next keys that IAM creates these IDs, for screens that must be the
// same each time.
func (s *Server) NameKeys(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.names = append(s.world.names, ids...)
}

// nextKeyID is the ID of a key that IAM creates.
func (w *world) nextKeyID(account string) string {
	if len(w.names) == 0 {
		return keyID("AKIA", account)
	}
	id := w.names[0]
	w.names = w.names[1:]
	return id
}

// CreatedSecrets are those of all keys that IAM created, also of keys that are deleted:
// no program may show them.
func (s *Server) CreatedSecrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.world.created)
}

// UseKey makes a key last used in a service's region, so long ago; an unknown key is
// ignored.
func (s *Server) UseKey(id, service, region string, ago time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.world.credentials[id]; c != nil {
		c.used = use{s.now().Add(-ago), service, region}
	}
}

// LagUses keeps the calls from now on out of when keys were last used: AWS says that with
// a delay, which may be hours.
func (s *Server) LagUses() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.lagUses = true
}

// DelayKeys makes each key that IAM creates from now on unknown for so many calls that
// are signed with it: AWS's services hear of a key some seconds later than IAM.
func (s *Server) DelayKeys(calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.delay = calls
}

// HideKeys leaves each key that IAM creates from now on out of so many lists of its user's
// keys: what IAM reads is not always what it wrote last.
func (s *Server) HideKeys(lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.hide = lists
}

// EndWithKey says whether a session is refused once its key is inactive or deleted.
// Whether AWS does that is not documented, so nothing may depend on either.
func (s *Server) EndWithKey(end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.endWithKey = end
}

// known reports whether AWS takes a credential for anything. It counts the call
// against the delay of a new key.
func (w world) known(c *credential) bool {
	switch {
	case c == nil || c.inactive:
		return false
	case c.unknownFor > 0:
		c.unknownFor--
		return false
	case w.endWithKey && c.caller.session && c.caller.key != "":
		key := w.credentials[c.caller.key]
		return key != nil && !key.inactive
	}
	return true
}

// keyID makes an ID as AWS does, with the account in it.
func keyID(prefix, account string) string {
	var b [10]byte
	rand.Read(b[:])
	n, _ := strconv.ParseUint(account, 10, 40) // 0, which no key names, for what is not one
	// One bit that is set, 40 of the account, and the rest is chance.
	binary.BigEndian.PutUint64(b[:], 1<<63|n<<23|binary.BigEndian.Uint64(b[:])&(1<<23-1))
	return prefix + base32.StdEncoding.EncodeToString(b[:])
}

// keyOwner is the user whose keys a call is about. A temporary key must name the user:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
func (q *request) keyOwner() (string, error) {
	if q.caller.session && q.form.Get("UserName") == "" {
		return "", refuse(http.StatusBadRequest, "ValidationError", "Must specify userName when calling with non-User credentials")
	}
	return q.owner()
}

// userKey is the key of a call that must be the owner's.
func (q *request) userKey() (*credential, error) {
	var v validation
	id := v.text(q.form, "AccessKeyId", 16, 128, "")
	if id == "" {
		v.fail("null", "AccessKeyId", "Member must not be null")
	}
	v.text(q.form, "UserName", 1, 128, "+=,.@-")
	if err := v.err(); err != nil {
		return nil, err
	}
	user, err := q.keyOwner()
	if err != nil {
		return nil, err
	}
	c := q.world.credentials[id]
	if c == nil || c.caller.session || c.caller.user != user {
		return nil, noEntity("The Access Key with id " + id + " cannot be found.")
	}
	return c, nil
}

type createdKey struct {
	UserName        string `xml:"AccessKey>UserName"`
	AccessKeyID     string `xml:"AccessKey>AccessKeyId"`
	Status          string `xml:"AccessKey>Status"`
	SecretAccessKey string `xml:"AccessKey>SecretAccessKey"`
	CreateDate      string `xml:"AccessKey>CreateDate"`
}

func (q *request) createAccessKey() (any, error) {
	var v validation
	v.text(q.form, "UserName", 1, 128, "+=,.@-")
	if err := v.err(); err != nil {
		return nil, err
	}
	user, err := q.keyOwner()
	if err != nil {
		return nil, err
	}
	if len(q.world.keysOf(user)) >= maxKeys {
		return nil, refuse(http.StatusConflict, "LimitExceeded", fmt.Sprintf("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys))
	}
	owner := q.caller
	owner.session, owner.key, owner.mfa = false, "", time.Time{}
	c := &credential{
		Session: creds.Session{Key: creds.Key{
			ID:     q.world.nextKeyID(owner.account()),
			Secret: creds.NewSecret(randomBase64(30)), // 40 characters
		}},
		caller: owner, created: q.now.Truncate(time.Second), unknownFor: q.world.delay, hiddenFor: q.world.hide,
	}
	q.world.credentials[c.ID] = c
	q.world.created = append(q.world.created, c.Secret.Reveal())
	return createdKey{owner.name(), c.ID, "Active", c.Secret.Reveal(), c.created.Format(time.RFC3339)}, nil
}

type listedKeys struct {
	AccessKeyMetadata []listedKey `xml:"AccessKeyMetadata>member"`
	IsTruncated       bool
	Marker            string `xml:",omitempty"`
}

type listedKey struct {
	UserName    string
	AccessKeyID string `xml:"AccessKeyId"`
	Status      string
	CreateDate  string
}

// listAccessKeys returns one per page, so that tests cover paging.
func (q *request) listAccessKeys() (any, error) {
	var v validation
	v.text(q.form, "UserName", 1, 128, "+=,.@-")
	if err := v.err(); err != nil {
		return nil, err
	}
	user, err := q.keyOwner()
	if err != nil {
		return nil, err
	}
	first := q.form.Get("Marker") == ""
	keys := slices.DeleteFunc(q.world.keysOf(user), func(c *credential) bool {
		hidden := c.hiddenFor > 0
		if hidden && first {
			c.hiddenFor--
		}
		return hidden
	})
	if marker := q.form.Get("Marker"); marker != "" {
		i := slices.IndexFunc(keys, func(c *credential) bool { return c.ID == marker })
		if i < 0 {
			return nil, invalid("Invalid Marker")
		}
		keys = keys[i:]
	}
	var l listedKeys
	if len(keys) > 1 {
		l.IsTruncated, l.Marker = true, keys[1].ID
		keys = keys[:1]
	}
	for _, c := range keys {
		status := "Active"
		if c.inactive {
			status = "Inactive"
		}
		l.AccessKeyMetadata = append(l.AccessKeyMetadata, listedKey{c.caller.name(), c.ID, status, c.created.Format(time.RFC3339)})
	}
	return l, nil
}

func (q *request) updateAccessKey() (any, error) {
	c, err := q.userKey()
	if err != nil {
		return nil, err
	}
	switch status := q.form.Get("Status"); status {
	case "Active", "Inactive":
		c.inactive = status == "Inactive"
		return nil, nil
	case "Expired": // only AWS gives a key this status
		return nil, refuse(http.StatusBadRequest, "InvalidInput", "The status Expired cannot be set.")
	case "":
		return nil, invalid("1 validation error detected: Value null at 'status' failed to satisfy constraint: Member must not be null")
	default:
		return nil, invalid("1 validation error detected: Value '" + status +
			"' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]")
	}
}

func (q *request) deleteAccessKey() (any, error) {
	c, err := q.userKey()
	if err == nil {
		delete(q.world.credentials, c.ID)
	}
	return nil, err
}

type keyUse struct {
	UserName     string
	LastUsedDate string `xml:"AccessKeyLastUsed>LastUsedDate,omitempty"`
	ServiceName  string `xml:"AccessKeyLastUsed>ServiceName"`
	Region       string `xml:"AccessKeyLastUsed>Region"`
}

// getAccessKeyLastUsed takes no user's name: the key says whose it is.
func (q *request) getAccessKeyLastUsed() (any, error) {
	var v validation
	id := v.text(q.form, "AccessKeyId", 16, 128, "")
	if id == "" {
		v.fail("null", "AccessKeyId", "Member must not be null")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	c := q.world.credentials[id]
	if c == nil || c.caller.session || c.caller.user != q.caller.user {
		return nil, denied("User: %s is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key %s", q.caller.arn, id)
	}
	if c.used.at.IsZero() {
		return keyUse{UserName: c.caller.name(), ServiceName: "N/A", Region: "N/A"}, nil
	}
	return keyUse{c.caller.name(), c.used.at.Format(time.RFC3339), c.used.service, c.used.region}, nil
}
