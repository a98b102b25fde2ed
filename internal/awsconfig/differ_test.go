package awsconfig

import (
	"fmt"
	"slices"
	"testing"
)

// Each row was compared with botocore 1.43.
func TestDifferences(t *testing.T) {
	for _, tt := range []struct {
		config, credentials string
		want                []string
	}{
		{"", "", nil},
		{"[profile a]\nregion = eu-west-1\n# note\n[default]\n", "[a]\naws_access_key_id = x#y\n", nil},
		{"\ufeff[profile a]\n", "", []string{"c:1 true 0 "}},
		{"[profile a]\nregion = x\n[profile b]\n[profile a]\nregion = x\n", "", []string{"c:4 true 1 profile a"}},
		{"[profile a]\nregion = x\nRegion = y\n", "", []string{"c:3 true 3 region"}},
		{"[profile a]\nregion = x # note\noutput = y ; note\n", "", []string{"c:2 false 4 region", "c:3 false 4 output"}},
		{"[profile a]\ns3 =\n  addressing_style = path\n  max_queue_size = 1\n", "", nil},
		{"[ profile a ]\n", "", []string{"c:1 false 2 profile a"}},
		{"", "[a]\naws_access_key_id=1\naws_access_key_id=1\n", []string{"d:3 true 3 aws_access_key_id"}},
	} {
		c, err := Parse(File{"c", tt.config}, File{"d", tt.credentials})
		if err != nil {
			t.Errorf("%q: %v", tt.config, err)
			continue
		}
		var got []string
		for _, d := range c.Differences() {
			got = append(got, fmt.Sprintf("%s:%d %v %d %s", d.File, d.Line, d.Kind.Fails(), d.Kind, d.Name))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q %q: %q, want %q", tt.config, tt.credentials, got, tt.want)
		}
	}
}
