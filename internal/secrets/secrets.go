// Package secrets reads values from Parameter Store and Secrets Manager.
//
// A reference only names a value. What it names is never written to a file, a
// log or an error.
package secrets
