package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// run prints the identity of the credentials in the environment. Without keys, or
// with a wrong secret, it fails.
func TestRun(t *testing.T) {
	s, err := ststest.Start(ststest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.AddDemo(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, secret, stdout, err string }{
		{ststest.DemoKeyID, ststest.DemoSecret, `"Arn": "` + ststest.DemoUser + `"`, ""},
		{ststest.DemoKeyID, "wrong", "", "SignatureDoesNotMatch"},
		{"", "", "", "no credentials"},
	} {
		env := map[string]string{"AWS_ACCESS_KEY_ID": c.id, "AWS_SECRET_ACCESS_KEY": c.secret, "AWS_ENDPOINT_URL_STS": s.URL}
		var stdout bytes.Buffer
		err := run(context.Background(), func(name string) string { return env[name] }, &stdout)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: got error %v", c.id, err)
		}
		if !strings.Contains(stdout.String(), c.stdout) || c.stdout == "" && stdout.Len() > 0 {
			t.Errorf("%q: got %q", c.id, &stdout)
		}
	}
}
