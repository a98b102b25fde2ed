package awsconfig

import (
	"io/fs"
	"os"
	"time"
)

func keepOwner(_ *os.File, info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

// SyncDir does nothing: on Windows a rename is durable with the file.
func SyncDir(string) {}

// hold does nothing: an open file cannot be removed.
func hold(*os.File) {}

// finish closes temp, because an open file cannot be renamed.
func finish(temp *os.File) error { return temp.Close() }

// abandoned reports whether new content was written so long ago that it would be in its
// place.
func abandoned(_ string, info fs.FileInfo) bool { return time.Since(info.ModTime()) > time.Minute }

// exclusive keeps nobody from anything: a directory cannot be locked.
func exclusive(string) (release func()) { return func() {} }
