package format

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fob/internal/creds"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the diff")

const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	exampleToken  = "AQoDYXdzEJr//////////wEaoAK1wvxJY12r+IrDFT2IvAzTCn3zHoZ7YNtpiQLF0MqZye/qwjzP2iEXAMPLE=="
)

// full is a session with all values.
func full() creds.Session {
	return creds.Session{
		Key:       creds.Key{ID: exampleID, Secret: creds.NewSecret(exampleSecret)},
		Token:     creds.NewSecret(exampleToken),
		Expires:   time.Date(2026, 11, 23, 20, 34, 0, 999, time.FixedZone("", 3600)),
		AccountID: "123456789012",
	}
}

// least is a long-lived key instead of a session.
func least() creds.Session {
	return creds.Session{Key: creds.Key{ID: exampleID, Secret: creds.NewSecret(exampleSecret)}}
}

// TestGolden compares every format with a file in testdata.
func TestGolden(t *testing.T) {
	for _, name := range append([]string{"process"}, Shells()...) {
		t.Run(name, func(t *testing.T) {
			got, err := Session(name, full(), "dev", "eu-west-1", nil)
			if name == "process" {
				got, err = Process(full())
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}
