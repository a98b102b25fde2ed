package host

import "io/fs"

// Foreign finds nothing: on Windows no sudo leaves files that belong to somebody else.
func (Host) Foreign(string) (file, owner, self string) { return "", "", "" }

// IsOurs is true: files have access lists here, and their owner matters little.
func IsOurs(fs.FileInfo) bool { return true }
