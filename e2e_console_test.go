//go:build unix

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"fob/internal/ststest"
)

// awsLogin signs in to the console as aws login does, into the cache of AWS's tools below
// home, with a field that no tool knows yet. It returns the file.
func awsLogin(aws *ststest.Server, home, arn string) (file string, err error) {
	dir := filepath.Join(home, ".aws", "login", "cache")
	if err := aws.CLILogin(dir, arn); err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(arn))
	file = filepath.Join(dir, hex.EncodeToString(name[:])+".json")
	text, err := os.ReadFile(file)
	var fields map[string]any
	if err = errors.Join(err, json.Unmarshal(text, &fields)); err != nil {
		return "", err
	}
	fields["future"] = map[string]any{"kept": true}
	text, err = json.Marshal(fields)
	return file, errors.Join(err, os.WriteFile(file, text, 0o600))
}
