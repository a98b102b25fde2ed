package backend

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// nothingVariable makes the test binary a program that does nothing but start.
const nothingVariable = "FOB_TEST_NOTHING"

// The test binary is fob's hidden child when it is called as one.
func TestMain(m *testing.M) {
	// Not os.Exit: under -race it sleeps for a second.
	switch {
	case len(os.Args) == 2 && os.Args[1] == ChildArg:
		syscall.Exit(ChildMain())
	case os.Getenv(nothingVariable) != "":
		syscall.Exit(0)
	}
	os.Exit(m.Run())
}

// someItem is the name of an item that no store has.
func someItem() string { return ItemName(strings.Repeat("0123456789abcdef", 2), 1) }

func wantErr[E error](t testing.TB, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("error is %T (%v), want %T", err, err, want)
	}
	return want
}
