package importer

import (
	"slices"
	"time"

	"fob/internal/awsvault"
	"fob/internal/creds"
)

// Found is an access key in a place where it should not stay.
type Found struct {
	Place
	// Profile is whose key it is; "" if nothing says that.
	Profile string
	// Key is zero while it has not been read: what aws-vault keeps is read when the user
	// has chosen it. A partial key has no Secret, or no ID.
	Key  creds.Key
	Kind Kind
	// Why says why the key is left where it is; "" if it can be moved.
	Why string
	// User is the IAM user, as a CSV file names it; "" if nothing does.
	User string
	// Created is when the key was made, roughly; zero if nobody knows.
	Created time.Time
	// Vault is the entry of aws-vault's that it is; nil for a key in a file.
	Vault *awsvault.Entry
}

// Place is where a key is.
type Place struct {
	File  string // its path; "" for a place that is not a file
	Shown string // the path as a person reads it, or another place: "aws-vault (pass)"
	Line  int    // from 1; 0 if there is nothing to count
	// Whole: the file is nothing but its keys, and is deleted when they have moved.
	Whole bool
	// Header is that of the section in an AWS file, and Lines are those of the key in it.
	Header string
	Lines  [][2]string
	// Misplaced: the header is one of the other AWS file, so that no tool finds the key.
	Misplaced bool
}

// Kind is what a key is, as far as that can be told without using it.
type Kind int

const (
	LongLived Kind = iota // it can be moved
	Session               // it expires by itself
	Partial               // an ID without a secret, or the other way round
	Root                  // of a root user
	Foreign               // in a file of another user of this computer
	Wrong                 // not a key
	Bait                  // a honeytoken, which raises an alarm when it is used
	Blocked               // a key that can be moved when something else has been put right
)

// Account is the account that a key's ID has inside; "" if it has none, or not in AWS's.
func (f Found) Account() string { return creds.GuessAccount(f.Key.ID) }

// bait are the accounts of services that hand out honeytokens. Their keys are known to
// raise an alarm, so fob does not even offer them.
var bait = map[string]bool{
	// canarytokens.org
	"052310077262": true, "171436882533": true, "266735846894": true, "534261010715": true, "595918472158": true,
	"717712589309": true, "730335385048": true, "819147034852": true, "893192397702": true, "992382622183": true,
	// others of its kind
	"044858866125": true, "251535659677": true, "344043088457": true, "351906852752": true, "390477818340": true,
	"426127672474": true, "427150556519": true, "439872796651": true, "445142720921": true, "465867158099": true,
	"637958123769": true, "693412236332": true, "732624840810": true, "735421457923": true, "959235150393": true,
	"982842642351": true,
}

// IsBait reports whether a key is one of these, by its ID.
func IsBait(keyID string) bool { return bait[creds.GuessAccount(keyID)] }

// Item is one key that can be moved, with all its places: it moves from all of them, or
// from none.
type Item struct {
	Found []Found
	// Profiles get the key, sorted. There is none if nothing says whose it is.
	Profiles []string
}

// Key is the item's key.
func (i Item) Key() creds.Key { return i.Found[0].Key }

// Sort divides what was found into the keys that can be moved and what is left.
func Sort(found []Found) (items []Item, left []Found) {
	for _, f := range found {
		if f.Kind != LongLived {
			left = append(left, f)
			continue
		}
		at := slices.IndexFunc(items, func(i Item) bool {
			return !f.Key.Secret.IsZero() && i.Key().ID == f.Key.ID && i.Key().Secret.Equal(f.Key.Secret)
		})
		if at < 0 {
			at = len(items)
			items = append(items, Item{})
		}
		i := &items[at]
		i.Found = append(i.Found, f)
		if f.Profile != "" && !f.Whole && !slices.Contains(i.Profiles, f.Profile) {
			i.Profiles = append(i.Profiles, f.Profile)
		}
	}
	for n := range items {
		i := &items[n]
		// What a download is called counts only for a key that no profile has.
		for _, f := range i.Found {
			if len(i.Profiles) == 0 && f.Profile != "" {
				i.Profiles = []string{f.Profile}
			}
		}
		slices.Sort(i.Profiles)
	}
	return items, left
}
