package plan

import (
	"strings"
	"testing"
)

func TestLikeRegion(t *testing.T) {
	for s, want := range map[string]bool{
		"eu-west-1": true, "us-gov-west-1": true, "eusc-de-east-1": true, "ap-southeast-12": true,
		"eu-west1": false, "eu-west": false, "frankfurt": false, "west-1": false, "eu-west-": false, "": false,
	} {
		if LikeRegion(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestIsRegion(t *testing.T) {
	for _, s := range []string{"eu-west-1", "us-gov-west-1", "eusc-de-east-1", "local"} {
		if !IsRegion(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "EU-WEST-1", "eu-west-1.evil.com", "eu-west-", "-x", "eu_west_1", "eu-west-1\n", "$(id)", "a/b", strings.Repeat("a", 64)} {
		if IsRegion(s) {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestIsAWSRegion(t *testing.T) {
	for _, s := range []string{"eu-west-1", "ap-southeast-10", "us-gov-west-1", "eusc-de-east-1", "us-isob-east-1"} {
		if !IsAWSRegion(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "yes", "none", "local", "frankfurt", "eu-west", "eu-west-", "eu-west-1a", "eu--1", "-west-1", "EU-WEST-1", "eu west-1", "east-1"} {
		if IsAWSRegion(s) {
			t.Errorf("%q is taken", s)
		}
	}
}
