// Package keychain stands in for the package of this path, which calls Apple's
// library: it has the part that github.com/99designs/keyring uses, with the same
// signatures (TestKeychain compares them). The keychain is a file in the home
// directory, so that several processes have the same one.
package keychain

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// State is the keychain.
type State struct {
	Locked bool
	// Foreign: its items were made by another program, such as fob before an upgrade.
	Foreign bool
	// Answer is the person's: allow, deny, or "" if nobody answers.
	Answer string
	Asked  int // windows that were opened
	Items  map[string][]byte
	// Others are other keychains than the default one, by their paths: items by service
	// and account.
	Others map[string]map[string][]byte
}

// Windows is a variable of the environment: with "no", nobody may be asked.
const Windows = "FAKE_KEYCHAIN_WINDOWS"

func file() string { return filepath.Join(os.Getenv("HOME"), "keychain.json") }

// Load reads the state.
func Load() (s State) {
	text, err := os.ReadFile(file())
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		panic(err)
	}
	return s
}

// Save writes the state.
func (s State) Save() {
	text, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(file(), text, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

// ask opens a window.
func ask(s *State, denied Error) error {
	if os.Getenv(Windows) == "no" {
		return ErrorInteractionNotAllowed
	}
	s.Asked++
	s.Save()
	switch s.Answer {
	case "allow":
		return nil
	case "deny":
		return denied
	}
	time.Sleep(time.Hour) // nobody is there
	return denied
}

// unlock is what a call does first that needs a secret.
func unlock(s *State) error {
	if !s.Locked {
		return nil
	}
	if err := ask(s, errUserCanceled); err != nil {
		return err
	}
	s.Locked = false
	s.Save()
	return nil
}

// Error is an OSStatus.
type Error int

var (
	ErrorDuplicateItem         = Error(-25299)
	ErrorItemNotFound          = Error(-25300)
	ErrorInteractionNotAllowed = Error(-25308)
	ErrorNoSuchKeychain        = Error(-25294)
	errUserCanceled            = Error(-128)
	errAuthFailed              = Error(-25293)
)

func (k Error) Error() (msg string) { return fmt.Sprintf("keychain error %d", int(k)) }

type (
	SecClass       int
	MatchLimit     int
	Synchronizable int
	Accessible     int
)

var SecClassGenericPassword SecClass = 1

const (
	MatchLimitDefault MatchLimit = iota
	MatchLimitOne
	MatchLimitAll
)

const (
	SynchronizableDefault Synchronizable = iota
	SynchronizableAny
	SynchronizableYes
)

const (
	AccessibleDefault Accessible = iota
	AccessibleWhenUnlocked
)

type Access struct {
	Label               string
	TrustedApplications []string
}

type Item struct {
	service string
	account string
	data    []byte
	secret  bool
	path    string
}

func NewItem() Item { return Item{} }

func (k *Item) SetSecClass(sc SecClass)               {}
func (k *Item) SetService(s string)                   { k.service = s }
func (k *Item) SetAccount(a string)                   { k.account = a }
func (k *Item) SetLabel(l string)                     {}
func (k *Item) SetDescription(s string)               {}
func (k *Item) SetData(b []byte)                      { k.data = b }
func (k *Item) SetSynchronizable(sync Synchronizable) {}
func (k *Item) SetAccessible(accessible Accessible)   {}
func (k *Item) SetMatchLimit(matchLimit MatchLimit)   {}
func (k *Item) SetReturnAttributes(b bool)            {}
func (k *Item) SetReturnData(b bool)                  { k.secret = b }
func (k *Item) SetReturnRef(b bool)                   {}
func (k *Item) SetAccess(a *Access)                   {}
func (k *Item) SetMatchSearchList(karr ...Keychain)   { k.path = karr[0].path }
func (k *Item) UseKeychain(kc Keychain)               {}

type QueryResult struct {
	Service          string
	Account          string
	AccessGroup      string
	Label            string
	Description      string
	Data             []byte
	CreationDate     time.Time
	ModificationDate time.Time
}

func QueryItem(item Item) ([]QueryResult, error) {
	s := Load()
	items := s.Items
	if item.path != "" {
		items = map[string][]byte{}
		for name, data := range s.Others[item.path] {
			if account, ok := strings.CutPrefix(name, item.service+" "); ok {
				items[account] = data
			}
		}
	}
	var found []QueryResult
	for account := range items {
		if item.account == "" || item.account == account {
			found = append(found, QueryResult{Account: account, Label: "fob"})
		}
	}
	if len(found) == 0 || !item.secret {
		return found, nil
	}
	if err := unlock(&s); err != nil {
		return nil, err
	}
	if s.Foreign {
		if err := ask(&s, errAuthFailed); err != nil {
			return nil, err
		}
	}
	found[0].Data = items[found[0].Account]
	return found, nil
}

func AddItem(item Item) error {
	s := Load()
	if err := unlock(&s); err != nil {
		return err
	}
	if _, ok := s.Items[item.account]; ok {
		return ErrorDuplicateItem
	}
	s.Items[item.account] = item.data
	s.Save()
	return nil
}

func UpdateItem(queryItem Item, updateItem Item) error {
	s := Load()
	if err := unlock(&s); err != nil {
		return err
	}
	s.Items[queryItem.account] = updateItem.data
	s.Save()
	return nil
}

func DeleteItem(item Item) error {
	s := Load()
	if _, ok := s.Items[item.account]; !ok {
		return ErrorItemNotFound
	}
	delete(s.Items, item.account)
	s.Save()
	return nil
}

// Keychain is one that is not the default. fob makes none.
type Keychain struct{ path string }

func NewKeychain(path string, password string) (Keychain, error) {
	return Keychain{}, ErrorNoSuchKeychain
}
func NewKeychainWithPrompt(path string) (Keychain, error) { return Keychain{}, ErrorNoSuchKeychain }
func NewWithPath(path string) Keychain                    { return Keychain{path} }
func (kc Keychain) Status() error {
	if Load().Others[kc.path] == nil {
		return ErrorNoSuchKeychain
	}
	return nil
}
