package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// The file of export lines appears when the server answers, is what stdout
// says, and no other file is left beside it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	env := filepath.Join(dir, "env")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stdout, stderr bytes.Buffer
	done := make(chan error)
	go func() { done <- run(ctx, []string{"--env", env}, &stdout, &stderr) }()
	var lines []byte
	for lines == nil {
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
			lines, _ = os.ReadFile(env)
		}
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(string(lines)), "export AWS_ENDPOINT_URL_STS=")
	url, others, _ := strings.Cut(url, " ")
	ok = ok && strings.HasPrefix(others, "AWS_ENDPOINT_URL_IAM="+url+" AWS_ENDPOINT_URL_SSO="+url+" ")
	if !ok {
		t.Fatalf("got %q", lines)
	}
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(stderr.String(), url+"/_control\n"); n != 2 {
		t.Errorf("%d lines show how to control it: %s", n, &stderr)
	}
	if stdout.String() != string(lines) || !strings.Contains(stderr.String(), ststest.DemoRole) {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v", entries, err)
	}
}

func TestRunRefuses(t *testing.T) {
	var notLoopback *ststest.NotLoopbackError
	if err := run(context.Background(), []string{"--addr", "0.0.0.0:0"}, &bytes.Buffer{}, &bytes.Buffer{}); !errors.As(err, &notLoopback) {
		t.Errorf("got %v", err)
	}
	for _, args := range [][]string{{"more"}, {"--nonsense"}, {"--env", "/nonexistent/dir/env"}} {
		if err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
