package keyring

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"fob/internal/creds"
)

// person answers questions in turn, and remembers them.
type person struct {
	answers []string
	asked   []Question
}

var errGone = errors.New("nobody there")

func (p *person) ask(_ context.Context, q Question) (creds.Secret, error) {
	p.asked = append(p.asked, q)
	if len(p.answers) == 0 {
		return creds.Secret{}, errGone
	}
	answer := p.answers[0]
	p.answers = p.answers[1:]
	return creds.NewSecret(answer), nil
}

func (p *person) instead(o *Options) { o.Passphrase, o.Ask = nil, p.ask }

func TestPassphraseIsAskedAgain(t *testing.T) {
	made := newStore(t)
	mustSetKey(t, made, "p", exampleKey)
	for _, tt := range []struct {
		answers  []string
		problems []string
		want     error
	}{
		{[]string{testPassphrase}, []string{""}, nil},
		{[]string{"wrong", "", testPassphrase}, []string{"", "Wrong passphrase. Try again.", "The passphrase is empty. Try again."}, nil},
		{[]string{"a", "b", "c", testPassphrase}, []string{"", "Wrong passphrase. Try again.", "Wrong passphrase. Try again."}, ErrWrongPassphrase},
		{nil, []string{""}, errGone},
	} {
		p := &person{answers: tt.answers}
		_, _, err := again(made, p.instead).Key(t.Context(), "p")
		if !errors.Is(err, tt.want) {
			t.Errorf("%q: %v", tt.answers, err)
		}
		var problems []string
		for i, q := range p.asked {
			problems = append(problems, q.Problem)
			if q.Attempt != i+1 || q.Kind != AskPassphrase || q.Store != made.opts.Dir {
				t.Errorf("question %d: %+v", i, q)
			}
		}
		if !reflect.DeepEqual(problems, tt.problems) {
			t.Errorf("%q: told %q, want %q", tt.answers, problems, tt.problems)
		}
	}
}

func TestNewPassphraseIsAskedTwice(t *testing.T) {
	const n, a = AskNewPassphrase, AskNewPassphraseAgain
	for _, tt := range []struct {
		answers []string
		kinds   []QuestionKind
		ok      bool
	}{
		{[]string{"one one one one", "one one one one"}, []QuestionKind{n, a}, true},
		{[]string{"one", "two", "one", "one"}, []QuestionKind{n, a, n, a}, true},
		{[]string{"", "one", "one"}, []QuestionKind{n, n, a}, true},
		{[]string{"a\x00b", "a\xff", ""}, []QuestionKind{n, n, n}, false},
		{[]string{"one"}, []QuestionKind{n, a}, false},
	} {
		p := &person{answers: tt.answers}
		o := options(storeDir(t))
		o.Backend = "file" // whatever this system would choose
		p.instead(&o)
		s := New(o)
		made, err := s.Create(t.Context())
		if (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.answers, err)
		}
		var kinds []QuestionKind
		for _, q := range p.asked {
			kinds = append(kinds, q.Kind)
		}
		if !reflect.DeepEqual(kinds, tt.kinds) {
			t.Errorf("%q: asked %v, want %v", tt.answers, kinds, tt.kinds)
		}
		if _, header := os.Lstat(inStore(s, headerFile)); (header == nil) != tt.ok {
			t.Errorf("%q: header: %v", tt.answers, header)
		}
		if short := len(made.Warnings) > 0; tt.ok && short != (len(tt.answers[len(tt.answers)-1]) < shortPassphrase) {
			t.Errorf("%q: warned %q", tt.answers, made.Warnings)
		}
	}
}

func TestGivenPassphrase(t *testing.T) {
	made := newStore(t)
	mustSetKey(t, made, "p", exampleKey)
	mustSetKey(t, made, "q", otherKey)
	calls := 0
	p := &person{answers: []string{testPassphrase}}
	given := func(secret string, ok bool, err error) func(*Options) {
		return func(o *Options) {
			o.Ask = p.ask
			o.Passphrase = func() (creds.Secret, bool, error) {
				calls++
				return creds.NewSecret(secret), ok, err
			}
		}
	}
	wrong := again(made, given("wrong", true, nil))
	for range 2 {
		_, _, err := wrong.Key(t.Context(), "p")
		if !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("%v", err)
		}
		wantErr[*WrongPassphraseError](t, err)
	}
	_, _, err := again(made, given("", true, nil)).Key(t.Context(), "p")
	wantErr[*PassphraseError](t, err)
	if _, _, err := again(made, given("", false, errGone)).Key(t.Context(), "p"); !errors.Is(err, errGone) {
		t.Error(err)
	}
	if calls != 3 || len(p.asked) != 0 {
		t.Errorf("called %d times, asked %v", calls, p.asked)
	}
	if _, _, err := again(made, given("", false, nil)).Key(t.Context(), "p"); err != nil || len(p.asked) != 1 {
		t.Errorf("asked %v, %v", p.asked, err)
	}
}

// A wrong passphrase writes nothing: the library's file backend would encrypt with it.
func TestWrongPassphraseWritesNothing(t *testing.T) {
	made := newStore(t)
	s := again(made, func(o *Options) { o.Passphrase = fixed("wrong") })
	_, err := s.SetKey(t.Context(), "p", exampleKey, Info{Rev: revOf(s, "p")})
	wantErr[*WrongPassphraseError](t, err)
	if _, err := os.Lstat(itemPath(t, s, KindKey, "p")); err == nil {
		t.Error("an item was written")
	}
}

func TestWorkFactor(t *testing.T) {
	secret := creds.NewSecret(testPassphrase)
	file, err := sealPassphrase(secret, "x", 2)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(file), "age-encryption.org/v1\n-> scrypt ") {
		t.Errorf("%q", file)
	}
	// 2^22 would take 4 GiB: it is refused before any work is done.
	greedy := strings.Replace(string(file), " 2\n", " 22\n", 1)
	_, err = unsealPassphrase(secret, []byte(greedy), "f")
	wantErr[*DamagedError](t, err)
	if testing.Short() {
		return
	}
	if file, err = sealPassphrase(secret, "x", 0); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.SplitN(string(file), "\n", 3)[1], " 17") {
		t.Errorf("the default work factor is not 17: %q", file[:80])
	}
}

// A re-key derives three times, and takes the memory of one derivation.
func TestRekeyTakesMemoryOnce(t *testing.T) {
	s := newStore(t, func(o *Options) { o.WorkFactor = 15 })
	mustSetKey(t, s, "p", exampleKey)
	out, err := roleCommand(t, "memory", s.opts.Dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if mib, err := strconv.Atoi(strings.TrimSpace(string(out))); err != nil || mib < 32 || mib > 56 {
		t.Errorf("%s MiB, %v", out, err)
	}
}
