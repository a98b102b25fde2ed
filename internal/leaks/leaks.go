// Package leaks searches files and git repositories for access keys and other secrets,
// in the spellings in which they leak.
//
// It reports where a secret is, and never the secret.
package leaks
