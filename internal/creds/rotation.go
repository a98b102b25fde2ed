package creds

import "time"

// Rotation is the replacement of a key in AWS and in the store, as far as it has come. It
// holds both keys: until the end, each of them may be the one that works.
type Rotation struct {
	// Step is what was about to be done, or was done last. Package rotate says which
	// steps there are.
	Step string
	// Old is the key that is replaced; New is zero until AWS has made it.
	Old, New Key
	// User and Account are whose keys they are.
	User, Account string
	// When each thing was done, by AWS's clock; zero if it was not.
	Began, Created, Switched, Deactivated time.Time
	// KeepOld: the old key stays in AWS, inactive.
	KeepOld bool
	// Used is when something other than fob has used the old key lately, which keeps it in
	// AWS as well; zero if nothing has.
	Used KeyUse
	// UseUnknown: the user may not know that, which keeps the old key as well.
	UseUnknown bool
	// Left: a run has ended with the old key inactive, and has said so.
	Left bool
	// Machine asked AWS for the new key; "" if that is unknown.
	Machine string
	// Profiles are those that the old key is stored for.
	Profiles []string
}

// KeyUse is when a key was last used, and for what. AWS says so with some delay.
type KeyUse struct {
	At              time.Time // zero: never
	Service, Region string    // "" if it was never used
}

// Backup is what files held before keys were removed from them.
type Backup struct {
	Files []BackupFile
	// Profiles are those whose sections were changed.
	Profiles []string
	// Keys are the IDs of the keys that were removed.
	Keys []string
	// Stored are the profiles whose keys were put into the store then, and From the files
	// that they came from.
	Stored, From []string
	// Machine is where the files are; "" if that is unknown.
	Machine string
}

// BackupFile is a file before and after a change. The bytes before hold keys; so may those
// after, which other keys may stay in.
type BackupFile struct {
	Path string
	// Mode are the file's permission bits.
	Mode        uint32
	Text, After Secret
}
