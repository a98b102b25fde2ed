package awsconfig

import (
	"io/fs"
	"os"
)

func keepOwner(_ *os.File, info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

func syncDir(string) {}
