package host

import (
	"errors"
	"os"
	"testing"
)

func TestReaderGone(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	read.Close()
	if _, err = write.Write([]byte("x")); !ReaderGone(err) {
		t.Errorf("a pipe without a reader: %v", err)
	}
	if ReaderGone(errors.New("disk full")) || ReaderGone(nil) {
		t.Error("any error counts")
	}
}
