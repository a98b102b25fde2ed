package ststest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The files that the AWS CLI would have written, by the names of protocol vectors that
// were taken from the AWS CLI itself.
func TestCLIFiles(t *testing.T) {
	s := start(t, Config{})
	dir := filepath.Join(t.TempDir(), ".aws")
	const jo = "arn:aws:iam::111111111111:user/jo"
	for name, err := range map[string]error{
		"ee0bfd2552fbd840c02cc48b6e823320543c450f":                         s.CLISignIn(dir, "corp"),
		"a6afc7299eda2f0e98fe7d1eacecf55f5c5fd7dca9071931b5e80f9689b85e69": s.CLILogin(dir, jo),
	} {
		if err != nil {
			t.Fatal(err)
		}
		text := must(os.ReadFile(filepath.Join(dir, name+".json")))
		var file object
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		if token, ok := file["accessToken"].(string); ok {
			wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", token), 200, "")
			a := talk(t, "POST", s.URL+"/token", object{"clientId": file["clientId"], "clientSecret": file["clientSecret"],
				"grantType": grantRefresh, "refreshToken": file["refreshToken"]})
			wantFailure(t, a, 200, "")
			continue
		}
		if out, err := identity(s, consoleSessionOf(said{object: file})); err != nil || *out.Arn != jo {
			t.Errorf("got %v, %v", out, err)
		}
	}
	if err := s.AddInstance(Instance{StartURL: DemoStartURL, TokenLife: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{
		`{"op":"cli-sign-in","dir":"` + dir + `","session":"` + DemoStartURL + `"}`,
		`{"op":"cli-login","dir":"` + dir + `","arn":"` + DemoUser + `"}`,
	} {
		if status := giveOrder(t, s, order); status != 200 {
			t.Errorf("%s: %d", order, status)
		}
	}
	var file object
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, legacyName+".json"))), &file); err != nil {
		t.Fatal(err)
	}
	expires := must(time.Parse(time.RFC3339, file["expiresAt"].(string)))
	if file["refreshToken"] != nil || time.Until(expires) < 7*time.Hour {
		t.Errorf("got %v", file)
	}
}

// legacyName is sha1 of DemoStartURL.
const legacyName = "7487b5b67d5fa1132cf33fa93ae51ef38cc37752"
