package creds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const shown = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

func TestSecretIsNotPrinted(t *testing.T) {
	secret := NewSecret(shown)
	session := Session{Key: Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: secret}, Token: secret}
	hidden := struct{ inner Session }{session}
	token := Token{Access: secret, Refresh: secret, Client: Client{ID: "c", Secret: secret}, Session: session, DPoPKey: secret, IDToken: secret}
	deep := struct{ list []any }{[]any{&hidden, map[string]Secret{"k": secret}}}
	for _, v := range []any{secret, &secret, session, &session, hidden, &hidden, deep, []Secret{secret}, session.Key, token, &token, token.Client, []Token{token}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, shown) || strings.Contains(out, fmt.Sprintf("%x", shown)) {
				t.Errorf("%s of %T shows the secret: %s", verb, v, out)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		if strings.Contains(log.String(), shown) {
			t.Errorf("slog shows the secret of %T: %s", v, log.String())
		}
	}
}

func TestSecretIsNotMarshalled(t *testing.T) {
	for _, v := range []any{NewSecret(shown), Key{Secret: NewSecret(shown)}, Token{Refresh: NewSecret(shown)}, Client{Secret: NewSecret(shown)}, map[string]any{"k": NewSecret(shown)}} {
		if out, err := json.Marshal(v); err == nil {
			t.Errorf("json of %T: %s, want an error", v, out)
		}
	}
}

func TestSecretRevealAndEqual(t *testing.T) {
	var zero Secret
	if !zero.IsZero() || zero.Reveal() != "" || !NewSecret("").IsZero() {
		t.Error("the zero value is not the empty secret")
	}
	if NewSecret(shown).Reveal() != shown {
		t.Error("Reveal does not give the secret back")
	}
	if !NewSecret("a").Equal(NewSecret("a")) || NewSecret("a").Equal(NewSecret("b")) || zero.Equal(NewSecret("b")) {
		t.Error("Equal compares wrongly")
	}
}
