// Package importer moves long-lived access keys that lie in files into the store.
//
// A key is in at least one of the two places at any moment: it leaves its file only when
// the store has given it back to another process and its profile has worked from there.
// No key is tried in AWS before the user has chosen it.
package importer
