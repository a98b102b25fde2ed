package keyring

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

const portal, portalID = "https://d-1.awsapps.com/start", "0af1"

// portalEnds is the same in all processes of a test.
var portalEnds = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// exampleToken is a sign-in at Identity Center. text is part of its secrets.
func exampleToken(text string, ends time.Time) creds.Token {
	return creds.Token{
		Access: creds.NewSecret("access " + text), Refresh: creds.NewSecret("refresh " + text), Expires: ends,
		Client: creds.Client{ID: "client", Secret: creds.NewSecret("client secret " + text), Expires: ends.AddDate(0, 3, 0), Grant: "authorization_code"},
	}
}

// consoleToken is a sign-in at the console.
func consoleToken(ends time.Time) creds.Token {
	return creds.Token{
		Refresh: creds.NewSecret("refresh"), Client: creds.Client{ID: "arn:aws:signin:::devtools/same-device"}, Session: exampleSession(ends),
		DPoPKey: creds.NewSecret("-----BEGIN EC PRIVATE KEY-----\n"), IDToken: creds.NewSecret("e30.e30.x"),
	}
}

func mustSetToken(t testing.TB, s *Store, tok creds.Token) Info {
	t.Helper()
	info, err := s.SetToken(t.Context(), portal, portalID, tok, Info{Account: "111111111111", ARN: exampleARN})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// sameToken compares what the store keeps: times in whole seconds.
func sameToken(a, b creds.Token) bool {
	return bytes.Equal(encodeJSON(packToken(a)), encodeJSON(packToken(b)))
}

func TestTokens(t *testing.T) {
	ctx := t.Context()
	ends := time.Now().Add(time.Hour)
	past := time.Now().Add(-time.Hour)
	for name, tt := range map[string]struct {
		token   creds.Token
		expires time.Time
		refresh bool
		counts  int
	}{
		"Identity Center":         {exampleToken("1", ends), ends, true, 1},
		"console":                 {consoleToken(ends), ends, true, 1},
		"expired":                 {exampleToken("1", past), past, true, 1}, // it can be refreshed
		"without refresh":         {creds.Token{Access: creds.NewSecret("a"), Expires: ends}, ends, false, 1},
		"expired without refresh": {creds.Token{Access: creds.NewSecret("a"), Expires: past}, past, false, 0},
		"registration":            {creds.Token{Client: exampleToken("1", ends).Client}, time.Time{}, false, 0},
		"empty":                   {creds.Token{}, time.Time{}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			made := mustSetToken(t, s, tt.token)
			if made.ARN != exampleARN || made.Account != "111111111111" || made.Name != portal || made.ID != portalID ||
				made.Rev == "" || !made.Expires.Equal(seconds(tt.expires)) || made.Refresh != tt.refresh {
				t.Errorf("header %+v", made)
			}
			got, info, err := again(s).Token(ctx, portal, portalID)
			if err != nil || !sameToken(got, tt.token) || info != made {
				t.Errorf("%+v, %v", info, err)
			}
			nobody := again(s, func(o *Options) { o.Passphrase = nil })
			if seen, err := nobody.TokenInfo(portal, portalID); err != nil || seen != made {
				t.Errorf("%+v, %v", seen, err)
			}
			if infos, err := nobody.Infos(KindToken); err != nil || len(infos) != 1 || infos[0] != made {
				t.Errorf("%+v, %v", infos, err)
			}
			if n := nobody.Describe(ctx).Items[KindToken]; n != tt.counts {
				t.Errorf("%d sign-ins, want %d", n, tt.counts)
			}
		})
	}
}

func TestTokenIsReplaced(t *testing.T) {
	s := newStore(t)
	ends := time.Now().Add(time.Hour)
	one := mustSetToken(t, s, exampleToken("1", ends))
	two := mustSetToken(t, s, exampleToken("2", ends))
	if one.Rev == two.Rev {
		t.Error("both have one revision")
	}
	if got, info, err := again(s).Token(t.Context(), portal, portalID); err != nil || !sameToken(got, exampleToken("2", ends)) || info != two {
		t.Errorf("%+v, %v", info, err)
	}
}

// What cannot be stored is refused, and the token before it stays.
func TestTokenThatCannotBeStored(t *testing.T) {
	s := newStore(t)
	ends := time.Now().Add(time.Hour)
	kept := exampleToken("1", ends)
	mustSetToken(t, s, kept)
	never := time.Unix(math.MaxInt32*1000, 0) // of a server that counts milliseconds
	late, lateClient, lateSession, text, header := kept, kept, consoleToken(never), kept, kept
	late.Expires, lateClient.Client.Expires = never, never
	text.IDToken = creds.NewSecret("\xff")
	for name, bad := range map[string]creds.Token{"late": late, "late client": lateClient, "late session": lateSession, "not UTF-8": text} {
		if _, err := s.SetToken(t.Context(), portal, portalID, bad, Info{}); err == nil {
			t.Errorf("%s: stored", name)
		}
	}
	if _, err := s.SetToken(t.Context(), portal, portalID, header, Info{ARN: strings.Repeat("a", maxHeaderLine)}); err == nil {
		t.Error("a header that is too long was stored")
	}
	if got, _, err := again(s).Token(t.Context(), portal, portalID); err != nil || !sameToken(got, kept) {
		t.Error(err)
	}
}

// Only what removes sign-ins removes them.
func TestRemoveTokens(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	ends := time.Now().Add(time.Hour)
	info := mustSetKey(t, s, portal, exampleKey)
	set := func(name, id string) {
		t.Helper()
		if _, err := s.SetToken(ctx, name, id, exampleToken(name+id, ends), Info{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"1", "2", "21"} {
		set(portal, id)
	}
	set(portal+"s", "1")
	set("x", portal)
	left := func(want int) {
		t.Helper()
		if infos, err := s.Infos(KindToken); err != nil || len(infos) != want {
			t.Errorf("%d left, want %d, %v", len(infos), want, err)
		}
	}
	if err := s.SaveSession(ctx, portal, "1", info.Rev, exampleSession(ends)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.RemoveSessions(portal); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := s.RemoveAllSessions(); err != nil {
		t.Error(err)
	}
	if err := s.RemoveKey(ctx, portal, revOf(s, portal)); err != nil {
		t.Error(err)
	}
	left(5)
	locked := again(s, func(o *Options) { o.Passphrase = nil })
	for range 2 { // the second finds nothing, which is fine
		if err := locked.RemoveToken(portal, "2"); err != nil {
			t.Error(err)
		}
	}
	left(4)
	if n, err := locked.RemoveTokens(portal); n != 2 || err != nil {
		t.Error(n, err)
	}
	left(2)
	_, _, err := s.Token(ctx, portal, "1")
	if none := wantErr[*NotFoundError](t, err); none.Kind != KindToken || none.Error() != `no sign-in is stored for "`+portal+`"` {
		t.Error(none)
	}
	_, err = s.TokenInfo(portal, "1")
	wantErr[*NotFoundError](t, err)
	for _, name := range []string{"", "\xff"} {
		wantErr[*NameError](t, s.RemoveToken(name, "1"))
		_, err := s.SetToken(ctx, "x", name, creds.Token{}, Info{})
		wantErr[*NameError](t, err)
	}
	_, err = s.RemoveTokens("")
	wantErr[*NameError](t, err)
}

func TestNoStoreHasNoTokens(t *testing.T) {
	s := New(options(storeDir(t)))
	_, _, err := s.Token(t.Context(), portal, portalID)
	wantErr[*NotFoundError](t, err)
	if n, err := s.RemoveTokens(portal); n != 0 || err != nil {
		t.Error(n, err)
	}
	if err := s.RemoveToken(portal, portalID); err != nil {
		t.Error(err)
	}
}

// Whatever happens to its file, a sign-in is the right one or gone, and signing in again
// brings it back.
func TestDamagedToken(t *testing.T) {
	s := newStore(t)
	want := exampleToken("1", time.Now().Add(time.Hour))
	mustSetToken(t, s, want)
	file := itemPath(t, s, KindToken, portal, portalID)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := mutations(data)
	bad["of a newer fob"] = bytes.Replace(data, []byte("fob1 "), []byte("fob2 "), 1)
	for name, bad := range bad {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := s.Token(t.Context(), portal, portalID)
		if _, none := errors.AsType[*NotFoundError](err); !none || got != (creds.Token{}) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if d := s.Describe(t.Context()); d.Problem != nil {
		t.Errorf("a person is told what needs nothing of them: %v", d.Problem)
	}
	mustSetToken(t, s, want)
	if got, _, err := s.Token(t.Context(), portal, portalID); err != nil || !sameToken(got, want) {
		t.Error(err)
	}
}

// Sessions and tokens have one subkey. They are still not taken for each other, nor is
// one token for another, or one of another store.
func TestTokenInAnotherPlace(t *testing.T) {
	ctx := t.Context()
	s, other := newStore(t), newStore(t)
	ends := time.Now().Add(time.Hour)
	mustSetToken(t, s, exampleToken("1", ends))
	mustSetToken(t, other, exampleToken("1", ends))
	if err := s.SaveSession(ctx, portal, portalID, "", exampleSession(ends)); err != nil {
		t.Fatal(err)
	}
	token, session := itemPath(t, s, KindToken, portal, portalID), itemPath(t, s, KindSession, portal, portalID)
	for _, tt := range []struct{ from, to string }{
		{session, token}, {token, session}, {token, itemPath(t, s, KindToken, portal, "2")}, {token, itemPath(t, s, KindToken, "x", portalID)},
		{token, itemPath(t, other, KindToken, portal, portalID)},
	} {
		data, err := os.ReadFile(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		// With a header that fits, as somebody would write it who can write here.
		data = bytes.Replace(data, []byte(`"kind":"session"`), []byte(`"kind":"token"`), 1)
		before, _ := os.ReadFile(tt.to)
		if err := os.WriteFile(tt.to, data, 0o600); err != nil {
			t.Fatal(err)
		}
		kind, parts, _ := parseFileName(filepath.Base(tt.to))
		at := s
		if strings.HasPrefix(tt.to, other.opts.Dir) {
			at = other
		}
		if kind == KindToken {
			_, _, err = again(at).Token(ctx, parts[0], parts[1])
		} else {
			_, _, err = again(at).Session(ctx, parts[0], parts[1])
		}
		wantErr[*NotFoundError](t, err)
		if err := os.WriteFile(tt.to, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Whether a sign-in can be stored is known before it is there, and leaves nothing behind.
func TestCanSetToken(t *testing.T) {
	s := newStore(t)
	can := func() error { return again(s).CanSetToken(t.Context(), portal, portalID) }
	if err := can(); err != nil {
		t.Error(err)
	}
	mustSetToken(t, s, exampleToken("1", portalEnds))
	before := tree(t, s)
	if err := can(); err != nil {
		t.Error(err)
	}
	if got := tree(t, s); !slices.Equal(got, before) {
		t.Errorf("left: %q, was %q", got, before)
	}
	locked := again(s, func(o *Options) { o.Passphrase = nil })
	wantErr[*LockedError](t, locked.CanSetToken(t.Context(), portal, portalID))
	wantErr[*NameError](t, s.CanSetToken(t.Context(), portal, ""))
	removeAll(t, inStore(s, itemsDir(1)))
	wantErr[*DamagedError](t, can())
	wantErr[*MissingError](t, New(options(storeDir(t))).CanSetToken(t.Context(), portal, portalID))
}
