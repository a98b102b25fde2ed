//go:build unix

package helper

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestOutput(t *testing.T) {
	for _, row := range []struct{ line, want, err string }{
		{"echo hello", "hello\n", ""},
		{"cat; echo done", "done\n", ""}, // standard input is at its end
		{"echo $MARK", "set\n", ""},
		{"echo secret; exit 3", "", "ended with exit status 3"},
		{"kill -9 $$", "", "ended with signal: killed"},
		{"/nonexistent/program", "", "ended with exit status 127"},
		{"head -c 70000 /dev/zero", "", "printed more than 64 KiB"},
	} {
		var stderr bytes.Buffer
		out, err := Output(context.Background(), row.line, []string{"MARK=set", "PATH=" + os.Getenv("PATH")}, &stderr)
		var failed *FailedError
		if err == nil && (string(out) != row.want || row.err != "") {
			t.Errorf("%s: %.80q, want %q %s", row.line, out, row.want, row.err)
		}
		if err != nil && (!errors.As(err, &failed) || !strings.Contains(err.Error(), row.err) || row.err == "") {
			t.Errorf("%s: %v, want %q", row.line, err, row.err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || out != nil) {
			t.Errorf("%s: output beside an error: %.80q, %v", row.line, out, err)
		}
	}
}

func TestOutputEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	// The grandchild holds the pipe; it goes with the group.
	_, err := Output(ctx, "sleep 60 & sleep 60", nil, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's error", err)
	}
}
