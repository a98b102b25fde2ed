package keyring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/creds"
)

// Items of every name and every length, and a thousand of them.

// legalNames are those that profiles, MFA devices and sources may have, and that
// some file system, shell or parser would take for something else.
func legalNames() []string {
	names := []string{
		"Prod", "PROD", "pRod", ".", "..", "...", "../../etc/passwd", "/", "//", "a/b", `a\b`, `\\server\share`, "C:", "a:b:$DATA",
		"con", "CON", "nul", "aux.txt", "com1", "lpt9", "a.", "a ", " a", " ", "~", "~root", "-rf", "--", "$HOME", "`id`", "$(id)",
		"a+b", "key+a", "session+a+b", "seed+a", "=", "=2e", "=50rod", "%2e", ".tmp-x", "store", "locks", "g1", ".DS_Store", "desktop.ini",
		"a\nb", "a\r\nb", "\x1b[31mred", "\u202egpj.exe", "é", "e\u0301", "ß", "ẞ", "ı", "İ", "K", "ſ", "日本語", "🔑", "\ufeff", "\u200b", "\U0010ffff",
		`"`, `'`, `{"kind":"key"}`, "fob1 {}", "<>&", "\u2028", serial, "arn:aws-cn:iam::111111111111:mfa/Jo.Doe+x=y,z@example.com",
		strings.Repeat("a", maxName), strings.Repeat("é", maxName/6), strings.Repeat("A", maxName/3),
	}
	for c := byte(1); c < 0x80; c++ {
		names = append(names, string(c))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestEveryName(t *testing.T) {
	names := legalNames()
	if runtime.GOOS != "windows" {
		tryNames(t, names)
		return
	}
	// wine takes minutes for all of them in one store, and Linux tries the rest. In this order
	// names that differ only in case lie side by side.
	names = slices.DeleteFunc(names, func(name string) bool { return len(name) == 1 && name[0]%4 > 0 })
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	for some := range slices.Chunk(names, 12) {
		tryNames(t, slices.Sorted(slices.Values(some)))
	}
}

// tryNames stores items of every kind with each of the names, in a store of their own, reads
// them, lists them and removes them.
func tryNames(t *testing.T, names []string) {
	t.Helper()
	ctx := t.Context()
	s := newStore(t)
	secret := func(kind Kind, name string) creds.Secret { return creds.NewSecret(string(kind) + " of " + name) }
	ends := time.Now().Add(time.Hour)
	for _, name := range names {
		_, err := s.SetKey(ctx, name, creds.Key{ID: exampleKey.ID, Secret: secret(KindKey, name)}, Info{Rev: revOf(s, name)})
		if err == nil {
			err = s.SetSeed(ctx, name, creds.Seed{Secret: secret(KindSeed, name)})
		}
		if err == nil {
			info, _ := s.KeyInfo(name)
			err = s.SaveSession(ctx, name, "0af1", info.Rev, creds.Session{Key: creds.Key{Secret: secret(KindSession, name)}, Expires: ends})
		}
		if err == nil {
			_, err = s.SetToken(ctx, name, "0af1", creds.Token{Refresh: secret(KindToken, name)}, Info{})
		}
		if err == nil {
			_, err = s.SetRotation(ctx, name, creds.Rotation{New: creds.Key{Secret: secret(KindRotation, name)}}, Info{})
		}
		if err == nil {
			_, err = s.SetBackup(ctx, name, creds.Backup{Files: []creds.BackupFile{{Text: secret(KindBackup, name)}}})
		}
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	s = again(s)
	for _, name := range names {
		k, _, keyErr := s.Key(ctx, name)
		seed, seedErr := s.Seed(ctx, name)
		sess, _, sessErr := s.Session(ctx, name, "0af1")
		tok, _, tokErr := s.Token(ctx, name, "0af1")
		rot, _, rotErr := s.Rotation(ctx, name)
		old, _, oldErr := s.Backup(ctx, name)
		if rotErr != nil || oldErr != nil || !rot.New.Secret.Equal(secret(KindRotation, name)) || !old.Files[0].Text.Equal(secret(KindBackup, name)) {
			t.Errorf("%q: %v, %v, or another's secret", name, rotErr, oldErr)
		}
		if keyErr != nil || seedErr != nil || sessErr != nil || tokErr != nil {
			t.Errorf("%q: %v, %v, %v, %v", name, keyErr, seedErr, sessErr, tokErr)
		}
		if !tok.Refresh.Equal(secret(KindToken, name)) || !k.Secret.Equal(secret(KindKey, name)) || !seed.Secret.Equal(secret(KindSeed, name)) || !sess.Secret.Equal(secret(KindSession, name)) {
			t.Errorf("%q has another's secret", name)
		}
	}
	for _, kind := range kinds() {
		if kind == KindRetired {
			continue // named by a hash
		}
		infos, err := s.Infos(kind)
		var got []string
		for _, i := range infos {
			got = append(got, i.Name)
		}
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%s: listed %q, %v", kind, got, err)
		}
	}
	for i, name := range names {
		if err := s.RemoveSeed(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if n, err := s.RemoveTokens(name); n != 1 || err != nil {
			t.Errorf("%q: %d, %v", name, n, err)
		}
		rotation, _ := s.RotationInfo(name)
		if err := errors.Join(s.RemoveKey(ctx, name, revOf(s, name)), s.RemoveRotation(name, rotation.Rev), s.RemoveBackup(name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if i%16 > 0 {
			continue // a list takes a second under wine, and what is missing stays missing
		}
		if infos, err := s.Infos(KindKey); err != nil || len(infos) != len(names)-i-1 {
			t.Fatalf("%q: removed with it, or before: %d keys are left, %v", name, len(infos), err)
		}
	}
	if left, err := os.ReadDir(inStore(s, itemsDir(1))); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestNoName(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	for _, name := range []string{"", "a\x00b", "\xff", "a\xc3", strings.Repeat("a", maxName+1), strings.Repeat("/", maxName/3+1)} {
		_, keyErr := s.SetKey(ctx, name, exampleKey, Info{Rev: revOf(s, name)})
		_, _, getErr := s.Key(ctx, name)
		_, rotErr := s.SetRotation(ctx, name, creds.Rotation{}, Info{})
		_, oldErr := s.SetBackup(ctx, name, creds.Backup{})
		for _, err := range []error{keyErr, getErr, rotErr, oldErr, s.SetSeed(ctx, name, seed), s.RemoveKey(ctx, name, revOf(s, name)), s.SaveSession(ctx, "p", name, "", exampleSession(time.Now()))} {
			wantErr[*NameError](t, err)
		}
	}
	if left, err := os.ReadDir(inStore(s, itemsDir(1))); err != nil || len(left) > 0 {
		t.Errorf("written: %v, %v", left, err)
	}
}

// A value has up to 1 MiB, also of bytes for which JSON takes six.
func TestEveryLength(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	lengths := []int{1 << 20, 1<<20 - 1, 64 << 10, 8<<10 + 1, 8 << 10, 4096, 4095}
	for n := 32; n >= 0; n-- {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for _, fill := range []string{"x", "\x01", "\"", "é"} {
			value := creds.NewSecret(strings.Repeat(fill, n/len(fill)))
			if _, err := s.SetKey(ctx, "p", creds.Key{ID: exampleKey.ID, Secret: value}, Info{Rev: revOf(s, "p")}); err != nil {
				t.Errorf("%d of %q: %v", n, fill, err)
			}
			if k, _, err := again(s).Key(ctx, "p"); err != nil || !k.Secret.Equal(value) {
				t.Errorf("%d of %q came back as %d bytes, %v", n, fill, len(k.Secret.Reveal()), err)
			}
		}
	}
	big := strings.Repeat("\x01", 1<<20)
	if err := s.SetSeed(ctx, serial, creds.Seed{Secret: creds.NewSecret(big)}); err != nil {
		t.Error(err)
	}
	sess := exampleSession(time.Now().Add(time.Hour))
	sess.Token = creds.NewSecret(big)
	info, _ := s.KeyInfo("p")
	if err := s.SaveSession(ctx, "p", "1", info.Rev, sess); err != nil {
		t.Error(err)
	}
	tok := creds.Token{Refresh: creds.NewSecret(big)}
	mustSetToken(t, s, tok)
	s = again(s)
	if got, _, err := s.Token(ctx, portal, portalID); err != nil || !sameToken(got, tok) {
		t.Errorf("sign-in: %v", err)
	}
	if got, err := s.Seed(ctx, serial); err != nil || got.Secret.Reveal() != big {
		t.Errorf("seed: %v", err)
	}
	if got, _, err := s.Session(ctx, "p", "1"); err != nil || got.Token.Reveal() != big {
		t.Errorf("session: %v", err)
	}
}

// A header is listed whole, however long it and what follows it are.
func TestLongItemsAreListed(t *testing.T) {
	s := newStore(t)
	want := map[string]Info{}
	for i, length := range []int{0, usualHead - 300, usualHead, 2 * usualHead, maxHeaderLine - 300} {
		name := fmt.Sprintf("p%d", i)
		k := creds.Key{ID: exampleKey.ID, Secret: creds.NewSecret(strings.Repeat("x", 100*length))}
		info, err := s.SetKey(t.Context(), name, k, Info{ARN: strings.Repeat("a", length)})
		if err != nil {
			t.Fatal(err)
		}
		want[name] = info
	}
	infos, err := s.Infos(KindKey)
	if err != nil || len(infos) != len(want) {
		t.Errorf("%d listed, %v", len(infos), err)
	}
	for _, info := range infos {
		if info != want[info.Name] {
			t.Errorf("%s: an ARN of %d bytes, want %d", info.Name, len(info.ARN), len(want[info.Name].ARN))
		}
	}
}

// thousand is a store of 1,000 items: 400 keys, 100 seeds, 400 sessions and 100 sign-ins.
func thousand(t testing.TB) *Store {
	t.Helper()
	s := newStore(t)
	for i := range 400 {
		mustSetKey(t, s, fmt.Sprintf("profile-%d", i), exampleKey)
	}
	for i := range 100 {
		if err := s.SetSeed(t.Context(), fmt.Sprintf("%s-%d", serial, i), seed); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if _, err := s.SetToken(t.Context(), fmt.Sprintf("%s%d", portal, i), portalID, exampleToken("1", time.Now().Add(time.Hour)), Info{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 400 {
		if err := s.SaveSession(t.Context(), fmt.Sprintf("source-%d", i), "0af1", "", exampleSession(time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// With a thousand items each is still there, also after a new vault key, and is
// listed without a question.
func TestThousandItems(t *testing.T) {
	s := thousand(t)
	look := func(words string) {
		t.Helper()
		nobody := again(s, func(o *Options) { o.Passphrase, o.Ask = nil, nil })
		for kind, want := range map[Kind]int{KindKey: 400, KindSeed: 100, KindSession: 400, KindToken: 100} {
			if infos, err := nobody.Infos(kind); err != nil || len(infos) != want {
				t.Errorf("%d of kind %s, %v", len(infos), kind, err)
			}
		}
		open := again(s, byPassphrase(words))
		for i := range 400 {
			if k, _, err := open.Key(t.Context(), fmt.Sprintf("profile-%d", i)); err != nil || !sameKey(k, exampleKey) {
				t.Fatalf("key %d: %v", i, err)
			}
		}
	}
	look(testPassphrase)
	if _, err := again(s).NewPassphrase(t.Context(), creds.NewSecret(newWords)); err != nil {
		t.Fatal(err)
	}
	look(newWords)
}

// BenchmarkInfos lists a thousand items, as fob list does.
func BenchmarkInfos(b *testing.B) {
	s := again(thousand(b))
	for b.Loop() {
		n := 0
		for _, kind := range kinds() {
			infos, err := s.Infos(kind)
			if err != nil {
				b.Fatal(err)
			}
			n += len(infos)
		}
		if n != 1000 {
			b.Fatal(n)
		}
	}
}

// A key is replaced or removed only by those who know which one that is: another process
// may have stored the only copy of another key in the meantime.
func TestKeyHasChanged(t *testing.T) {
	s := newStore(t)
	_, err := s.SetKey(t.Context(), "p", exampleKey, Info{Rev: "x"})
	wantErr[*ChangedError](t, err)
	first := mustSetKey(t, s, "p", exampleKey)
	second := mustSetKey(t, s, "p", otherKey)
	for _, rev := range []string{"", first.Rev, "x"} {
		_, err := s.SetKey(t.Context(), "p", exampleKey, Info{Rev: rev})
		wantErr[*ChangedError](t, err)
		wantErr[*ChangedError](t, s.RemoveKey(t.Context(), "p", rev))
	}
	if k, info, err := s.Key(t.Context(), "p"); err != nil || info != second || k.ID != otherKey.ID {
		t.Errorf("%v, %+v, %v", k, info, err)
	}
	// One whose header cannot be read has no revision.
	if err := os.WriteFile(s.ItemPath("key+p"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.SetKey(t.Context(), "p", exampleKey, Info{Rev: second.Rev})
	wantErr[*DamagedError](t, err)
	wantErr[*DamagedError](t, s.RemoveKey(t.Context(), "p", second.Rev))
	if _, err := s.SetKey(t.Context(), "p", exampleKey, Info{}); err != nil {
		t.Error(err)
	}
	wantErr[*NotFoundError](t, s.RemoveKey(t.Context(), "q", "x"))
}

// Of several that replace one key at once, one succeeds.
func TestSetKeyAtOnce(t *testing.T) {
	s := newStore(t)
	rev := mustSetKey(t, s, "p", exampleKey).Rev
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = again(s).SetKey(t.Context(), "p", otherKey, Info{Rev: rev}) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
			continue
		}
		wantErr[*ChangedError](t, err)
	}
	if done != 1 {
		t.Errorf("%d succeeded", done)
	}
}
