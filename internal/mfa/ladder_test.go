package mfa

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/prompt"
	"fob/internal/term"
)

const joSerial = "arn:aws:iam::111111111111:mfa/jo"

var request = Request{Profile: "dev", Serial: joSerial, Program: "terraform"}

// person is a prompter that answers from a list and records the questions.
type person struct {
	name    string
	away    error // Ready's answer
	err     error // Ask's, after the answers
	answers []string
	asked   []prompt.Question
}

func (p *person) prompter() prompt.Prompter {
	return prompt.Prompter{Name: p.name, Ready: func() error { return p.away }, Ask: func(_ context.Context, q prompt.Question) (creds.Secret, error) {
		p.asked = append(p.asked, q)
		if len(p.answers) == 0 {
			return creds.Secret{}, p.err
		}
		answer := p.answers[0]
		p.answers = p.answers[1:]
		return creds.NewSecret(answer), nil
	}}
}

func seedOf(text string) func(context.Context, string) (creds.Seed, bool, error) {
	return func(_ context.Context, serial string) (creds.Seed, bool, error) {
		if serial != joSerial {
			return creds.Seed{}, false, nil
		}
		seed, err := ParseSeed(text)
		return seed, true, err
	}
}

func TestOrder(t *testing.T) {
	jo := &person{name: "tty", answers: []string{"333333", "444444"}}
	l := &Ladder{
		Given:     &Given{Code: creds.NewSecret(" 111 111 ")},
		Seed:      seedOf(joSeed),
		Prompters: []prompt.Prompter{jo.prompter()},
		Now:       func() time.Time { return time.Unix(3000, 0) },
	}
	fromSeed, _ := Code(mustSeed(t), 100)
	otherDevice := request
	otherDevice.Serial = "arn:aws:iam::111111111111:mfa/other"
	for i, c := range []struct {
		r    Request
		want Answer
	}{
		{request, Answer{Code: "111111", From: "given"}},
		{request, Answer{Code: fromSeed, Step: 100, From: "seed"}},
		{otherDevice, Answer{Code: "333333", From: "tty"}},
		{otherDevice, Answer{Code: "444444", From: "tty"}},
	} {
		if got, err := l.Code(context.Background(), c.r); got != c.want || err != nil {
			t.Errorf("%d: %+v, %v; want %+v", i, got, err, c.want)
		}
	}
}

func mustSeed(t *testing.T) creds.Seed {
	t.Helper()
	seed, err := ParseSeed(joSeed)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func TestGiven(t *testing.T) {
	jo := &person{name: "tty", answers: []string{"333333", "444444"}}
	l := &Ladder{Given: &Given{Code: creds.NewSecret("123456")}, Prompters: []prompt.Prompter{jo.prompter()}}
	answer, err := l.Code(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	again := request
	again.Refused, again.Last = "wrong code", answer
	var refused *RefusedError
	if _, err := l.Code(context.Background(), again); !errors.As(err, &refused) || refused.Serial != joSerial {
		t.Errorf("after a refusal: %v", err)
	}
	// A second session of the device has a code of its own, which can be refused, too.
	again = request
	for _, want := range []string{"333333", "444444"} {
		if answer, err = l.Code(context.Background(), again); answer.Code != want || err != nil {
			t.Errorf("the next session: %v, %v", answer, err)
		}
		again.Refused, again.Last = "wrong code", answer
	}

	var bad *CodeError
	l = &Ladder{Given: &Given{Code: creds.NewSecret("12345")}}
	if _, err := l.Code(context.Background(), request); !errors.As(err, &bad) {
		t.Errorf("malformed: %v", err)
	}
	l = &Ladder{Given: &Given{Code: creds.NewSecret("123456")}}
	used := request
	used.Used = func(code string) bool { return code == "123456" }
	if _, err := l.Code(context.Background(), used); !errors.As(err, &bad) || strings.Contains(err.Error(), "123456") {
		t.Errorf("used: %v", err)
	}
}

func TestSeedWaitsForAFreshStep(t *testing.T) {
	for _, c := range []struct {
		name   string
		at     float64 // s
		skew   time.Duration
		used   []int64
		typed  int64 // the step of a code that a person typed; 0 for none
		step   int64
		notice string
	}{
		{"none used", 3001, 0, nil, 0, 100, ""},
		{"this one typed", 3001, 0, nil, 100, 101, "29s for the next MFA code (mfa/jo)"},
		{"this one used and the next typed", 3001, 0, []int64{100}, 101, 102, "29s for the next MFA code (mfa/jo)\n30s for the next MFA code (mfa/jo)"},
		{"an older one used", 3001, 0, []int64{99}, 0, 100, ""},
		{"this one used", 3001, 0, []int64{100}, 0, 101, "29s for the next MFA code (mfa/jo)"},
		{"at the end of this one", 3029.75, 0, []int64{100}, 0, 101, "250ms for the next MFA code (mfa/jo)"},
		{"this and the next used", 3001, 0, []int64{100, 101}, 0, 102, "29s for the next MFA code (mfa/jo)\n30s for the next MFA code (mfa/jo)"},
		{"the next used, by a clock that was ahead", 3001, 0, []int64{101, 102}, 0, 100, ""},
		{"the clock went back", 3001, 0, []int64{103}, 0, 100, ""},
		{"the clock is ahead", 3601, 10 * time.Minute, nil, 0, 100, ""},
		{"the clock is ahead, and this one used", 3601, 10 * time.Minute, []int64{100}, 0, 101, "29s for the next MFA code (mfa/jo)"},
		{"the clock is behind", 2401, -10 * time.Minute, []int64{80}, 0, 100, ""},
	} {
		now := time.Unix(0, int64(c.at*1e9))
		var notices []string
		l := &Ladder{
			Seed: seedOf(joSeed),
			Now:  func() time.Time { return now },
			Wait: func(_ context.Context, d time.Duration, what string) error {
				notices = append(notices, fmt.Sprintf("%s for %s", d, what))
				now = now.Add(d)
				return nil
			},
		}
		r := request
		r.Skew = c.skew
		r.UsedStep = func(step int64) bool { return slices.Contains(c.used, step) }
		typed, _ := Code(mustSeed(t), c.typed)
		r.Used = func(code string) bool { return c.typed != 0 && code == typed }
		want, _ := Code(mustSeed(t), c.step)
		got, err := l.Code(context.Background(), r)
		if err != nil || got != (Answer{want, c.step, "seed"}) || strings.Join(notices, "\n") != c.notice {
			t.Errorf("%s: %+v, %v, notices %q", c.name, got, err, notices)
		}
	}
}

func TestSeedWaitAndTheBudget(t *testing.T) {
	r := request
	r.UsedStep = func(step int64) bool { return step == 100 }
	slept := false
	l := &Ladder{
		Seed: seedOf(joSeed),
		Now:  func() time.Time { return time.Unix(3000, 0) },
		Wait: func(context.Context, time.Duration, string) error { slept = true; return context.Canceled },
	}
	short, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	if _, err := l.Code(short, r); !errors.Is(err, context.DeadlineExceeded) || slept {
		t.Errorf("30 s to wait and 25 left: %v, slept: %v", err, slept)
	}
	if _, err := l.Code(context.Background(), r); !errors.Is(err, context.Canceled) || !slept {
		t.Errorf("cancelled while waiting: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	l.Wait = nil
	if _, err := l.Code(cancelled, r); !errors.Is(err, context.Canceled) {
		t.Errorf("the real wait: %v", err)
	}
}

// A stored seed that cannot be used is an error. Asking a person instead would
// hide that the store is locked or damaged.
func TestSeedErrors(t *testing.T) {
	locked := errors.New("locked")
	jo := &person{name: "tty", answers: []string{"123456"}}
	l := &Ladder{Prompters: []prompt.Prompter{jo.prompter()}}
	l.Seed = func(context.Context, string) (creds.Seed, bool, error) { return creds.Seed{}, false, locked }
	if _, err := l.Code(context.Background(), request); !errors.Is(err, locked) {
		t.Errorf("locked: %v", err)
	}
	l.Seed = seedOf("otpauth://totp/x?digits=8&secret=" + joSeed)
	var bad *SeedError
	if _, err := l.Code(context.Background(), request); !errors.As(err, &bad) || strings.Contains(err.Error(), joSeed) {
		t.Errorf("8 digits: %v", err)
	}
	if len(jo.asked) != 0 {
		t.Errorf("asked: %v", jo.asked)
	}
	shown := request
	shown.Shown = true
	if a, err := l.Code(context.Background(), shown); err != nil || len(a.Code) != 8 {
		t.Errorf("8 digits, for a person: %v", err)
	}
}

func TestPersonIsAskedAgain(t *testing.T) {
	jo := &person{name: "tty", answers: []string{"", "12345", "111111", "123 456"}}
	l := &Ladder{Prompters: []prompt.Prompter{jo.prompter()}}
	r := request
	r.Refused = "wrong\x1b[2J code"
	r.Used = func(code string) bool { return code == "111111" }
	got, err := l.Code(context.Background(), r)
	if err != nil || got != (Answer{Code: "123456", From: "tty"}) {
		t.Fatalf("%+v, %v", got, err)
	}
	const line = "MFA code for dev (arn:aws:iam::111111111111:mfa/jo, for terraform): "
	var want, asked []string
	for _, problem := range []string{
		`AWS refused that code: wrong\x1b[2J code. Try the next one.`,
		"the MFA code is empty",
		"an MFA code has 6 digits, not 5",
		"that code has been used; wait for the next one",
	} {
		want = append(want, problem+"\n"+line)
	}
	for _, q := range jo.asked {
		asked = append(asked, q.Problem+"\n"+lineOf(q))
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked\n%q, want\n%q", asked, want)
	}
}

// lineOf is a question as a terminal shows it.
func lineOf(q prompt.Question) string {
	return q.Text + " (" + strings.Join(q.About, ", ") + "): "
}

func TestPersonIsNotAskedForEver(t *testing.T) {
	jo := &person{name: "tty", answers: slices.Repeat([]string{"nonsense"}, 100)}
	l := &Ladder{Prompters: []prompt.Prompter{jo.prompter()}}
	_, err := l.Code(context.Background(), request)
	var bad *CodeError
	if !errors.As(err, &bad) || len(jo.asked) != 5 || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v after %d questions", err, len(jo.asked))
	}
}

func TestHostileNamesInThePrompt(t *testing.T) {
	r := Request{Profile: "d\x1b[8mv", Serial: "a\nb", Program: "\u202eterraform\r"}
	if got, want := lineOf(r.question()), `MFA code for d\x1b[8mv (a\nb, for \u202eterraform\r): `; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r = Request{Profile: "dev", Serial: "GAHT12345678"}
	if got, want := lineOf(r.question()), "MFA code for dev (GAHT12345678): "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhoIsAsked(t *testing.T) {
	ok := []string{"123456"}
	for _, c := range []struct {
		name    string
		people  []*person
		prompt  string
		noInput bool
		left    time.Duration // of the budget; 0 for none
		from    string
		err     error
		text    string
	}{
		{name: "the first", people: []*person{{name: "tty", answers: ok}, {name: "zenity", answers: ok}}, from: "tty"},
		{name: "the second", people: []*person{{name: "tty", away: term.ErrNone}, {name: "zenity", answers: ok}}, prompt: prompt.Auto, from: "zenity"},
		{name: "lost the terminal", people: []*person{{name: "tty", err: term.ErrBackground}, {name: "zenity", answers: ok}}, from: "zenity"},
		{name: "by name", people: []*person{{name: "tty", answers: ok}, {name: "zenity", answers: ok}}, prompt: "zenity", from: "zenity"},
		{name: "by name, away", people: []*person{{name: "tty", away: term.ErrNone}, {name: "zenity", answers: ok}}, prompt: "tty", err: term.ErrNone},
		{name: "enough time", people: []*person{{name: "tty", answers: ok}}, left: time.Hour, from: "tty"},
		{name: "no time", people: []*person{{name: "tty", answers: ok}}, left: 9 * time.Second, err: prompt.ErrNoTime,
			text: `dev needs an MFA code (mfa/jo), and there is not enough time left to answer`},
		{name: "no input", people: []*person{{name: "tty", answers: ok}}, noInput: true, err: prompt.ErrNoInput},
		{name: "no prompters", err: prompt.ErrNoInput},
		{name: "all away", people: []*person{{name: "tty", away: fmt.Errorf("%w: x", term.ErrNone)}, {name: "zenity", away: errors.New("it is Monday")}}, err: term.ErrNone,
			text: `dev needs an MFA code (mfa/jo), and fob cannot ask: no controlling terminal: x, zenity: it is Monday`},
		{name: "background", people: []*person{{name: "tty", away: term.ErrBackground}}, err: term.ErrBackground},
	} {
		ctx := context.Background()
		if c.left != 0 {
			short, cancel := context.WithTimeout(ctx, c.left)
			defer cancel()
			ctx = short
		}
		l := &Ladder{Prompt: c.prompt, NoInput: c.noInput}
		for _, p := range c.people {
			l.Prompters = append(l.Prompters, p.prompter())
		}
		got, err := l.Code(ctx, request)
		var nobody *prompt.NoPersonError
		switch {
		case c.err == nil && (err != nil || got != (Answer{Code: "123456", From: c.from})):
			t.Errorf("%s: %+v, %v", c.name, got, err)
		case c.err != nil && (!errors.Is(err, c.err) || !errors.As(err, &nobody) || nobody.Profile != "dev" || nobody.Serial != joSerial):
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		case c.text != "" && err.Error() != c.text:
			t.Errorf("%s: %v, want %s", c.name, err, c.text)
		}
	}
}

func TestCancelledIsFinal(t *testing.T) {
	jo, zenity := &person{name: "tty", err: term.ErrCancelled}, &person{name: "zenity", answers: []string{"123456"}}
	l := &Ladder{Prompters: []prompt.Prompter{jo.prompter(), zenity.prompter()}}
	var nobody *prompt.NoPersonError
	if _, err := l.Code(context.Background(), request); !errors.Is(err, term.ErrCancelled) || errors.As(err, &nobody) || len(zenity.asked) != 0 {
		t.Errorf("%v, then asked %v", err, zenity.asked)
	}
}

// A machine is asked only if the user names it.
func TestMachineIsNamed(t *testing.T) {
	failed := errors.New("ykman ended with exit status 1")
	ykman := &person{name: "ykman", answers: []string{"123456"}, err: failed}
	machine := ykman.prompter()
	machine.Machine = true
	var nobody *prompt.NoPersonError
	if _, err := (&Ladder{Prompters: []prompt.Prompter{machine}}).Code(context.Background(), request); !errors.As(err, &nobody) || len(ykman.asked) != 0 {
		t.Errorf("%v", err)
	}
	l := &Ladder{Prompters: []prompt.Prompter{machine}, Prompt: "ykman"}
	if got, err := l.Code(context.Background(), request); got != (Answer{Code: "123456", From: "ykman"}) || err != nil || ykman.asked[0].Serial != joSerial {
		t.Errorf("%v, %v", got, err)
	}
	_, err := l.Code(context.Background(), request)
	if want := `MFA code for "` + joSerial + `": ykman ended with exit status 1`; err == nil || err.Error() != want || !errors.Is(err, failed) {
		t.Errorf("%v, want %s", err, want)
	}
	l.Prompters = prompt.Prompters(prompt.World{LookPath: func(string) (string, error) { return "", exec.ErrNotFound }, Getenv: func(string) string { return "" }})
	_, err = l.Code(context.Background(), request)
	if !errors.As(err, &nobody) || nobody.Reasons() != "ykman: not available" || nobody.Serial != joSerial {
		t.Errorf("%v", err)
	}
}

// process is an mfa_process that prints from a list.
func process(outputs ...string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		out := outputs[0]
		if len(outputs) > 1 {
			outputs = outputs[1:]
		}
		if out == "" {
			return nil, errors.New("ended with exit status 1")
		}
		return []byte(out), nil
	}
}

func TestProcess(t *testing.T) {
	const used = "111111\n"
	for _, c := range []struct {
		name    string
		outputs []string
		code    string
		waits   int
		err     string
	}{
		{"a code", []string{"123 456\r\n"}, "123456", 0, ""},
		{"used, then the next", []string{used, "222222"}, "222222", 1, ""},
		{"its clock is late", []string{used, used, "222222"}, "222222", 2, ""},
		{"always the same", []string{used}, "", 2, `the mfa_process of "dev" printed an unusable MFA code: that code has been used; wait for the next one`},
		{"no code", []string{"Enter PIN:"}, "", 0, `the mfa_process of "dev" printed an unusable MFA code: an MFA code has only digits`},
		{"nothing", []string{"\n"}, "", 0, `the mfa_process of "dev" printed an unusable MFA code: the MFA code is empty`},
		{"fails", []string{""}, "", 0, `the mfa_process of "dev" ended with exit status 1`},
	} {
		jo := &person{name: "tty", answers: []string{"333333"}}
		var waits []time.Duration
		l := &Ladder{
			Process:   process(c.outputs...),
			Prompters: []prompt.Prompter{jo.prompter()},
			NoInput:   true,
			Now:       func() time.Time { return time.Unix(3010, 0) },
			Wait: func(_ context.Context, d time.Duration, what string) error {
				waits = append(waits, d)
				return nil
			},
		}
		r := request
		r.Used = func(code string) bool { return code == "111111" }
		got, err := l.Code(context.Background(), r)
		var bad *ProcessError
		switch {
		case c.err == "" && (err != nil || got != (Answer{Code: c.code, From: "mfa_process"})):
			t.Errorf("%s: %+v, %v", c.name, got, err)
		case c.err != "" && (!errors.As(err, &bad) || err.Error() != c.err):
			t.Errorf("%s: %v, want %s", c.name, err, c.err)
		}
		if len(waits) != c.waits || len(waits) > 0 && waits[0] != 20*time.Second {
			t.Errorf("%s: waited %v", c.name, waits)
		}
		if len(jo.asked) > 0 {
			t.Errorf("%s: a person was asked", c.name)
		}
	}
}

func TestProcessComesAfterTheSeed(t *testing.T) {
	l := &Ladder{Seed: seedOf(joSeed), Process: process("222222")}
	if got, err := l.Code(context.Background(), request); got.From != "seed" || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	other := request
	other.Serial = "arn:aws:iam::111111111111:mfa/other"
	if got, err := l.Code(context.Background(), other); got.From != "mfa_process" || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestProcessAndTheBudget(t *testing.T) {
	short, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	l := &Ladder{Process: process("111111"), Now: func() time.Time { return time.Unix(3010, 0) }}
	r := request
	r.Used = func(string) bool { return true }
	if _, err := l.Code(short, r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Goroutines share a ladder. One of them gets the given code, the others get codes
// from the seed.
func TestManyGoroutines(t *testing.T) {
	l := &Ladder{
		Given: &Given{Code: creds.NewSecret("111111")},
		Seed: func(context.Context, string) (creds.Seed, bool, error) {
			seed, err := ParseSeed(joSeed)
			return seed, true, err
		},
		Now: func() time.Time { return time.Unix(30000, 0) },
	}
	var given, refusedGiven atomic.Int32
	begin := make(chan struct{})
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			r := request
			if n%2 == 1 {
				r.Serial = "arn:aws:iam::111111111111:mfa/other"
			}
			<-begin
			first, err := l.Code(context.Background(), r)
			if err != nil {
				t.Errorf("first: %v", err)
			}
			r.Refused, r.Last, r.Skew = "late", first, 10*time.Minute
			second, err := l.Code(context.Background(), r)
			if first.From == "given" {
				given.Add(1)
				var refused *RefusedError
				if errors.As(err, &refused) && refused.Serial == r.Serial {
					refusedGiven.Add(1)
				}
				return
			}
			if err != nil || second.Step != 980 { // by AWS's clock
				t.Errorf("after a refusal: %+v, %v", second, err)
			}
		})
	}
	close(begin)
	all.Wait()
	if given.Load() != 1 || refusedGiven.Load() != 1 {
		t.Errorf("the code was given %d times and refused %d times", given.Load(), refusedGiven.Load())
	}
}

// A machine that still shows a used code is asked again after the step, a few times.
func TestMachineWaits(t *testing.T) {
	const used = "111111"
	for _, c := range []struct {
		name    string
		answers []string
		at      float64 // s
		want    string
		waits   string
	}{
		{"a new code", []string{"222222"}, 3001, "222222", "[]"},
		{"a used code", []string{used, "222222"}, 3001, "222222", "[29s]"},
		{"used at the end of its step", []string{used, "222222"}, 3029, "222222", "[1s]"},
		{"late by a step", []string{used, used, "222222"}, 3001, "222222", "[29s 30s]"},
		{"for ever", []string{used, used, used, "222222"}, 3001, "", "[29s 30s]"},
		{"no code at all", []string{"no touch", "222222"}, 3001, "", "[]"},
	} {
		for kind, ladder := range map[string]func(*person) *Ladder{
			"ykman": func(p *person) *Ladder {
				machine := p.prompter()
				machine.Machine = true
				return &Ladder{Prompters: []prompt.Prompter{machine}, Prompt: "ykman"}
			},
			"mfa_process": func(p *person) *Ladder {
				return &Ladder{Process: func(ctx context.Context) ([]byte, error) {
					answer, err := p.prompter().Ask(ctx, prompt.Question{})
					return []byte(answer.Reveal()), err
				}}
			},
		} {
			machine := &person{name: "ykman", answers: slices.Clone(c.answers), err: errors.New("no more")}
			now := time.Unix(0, int64(c.at*1e9))
			waits := []time.Duration{}
			l := ladder(machine)
			l.Now = func() time.Time { return now }
			l.Wait = func(_ context.Context, d time.Duration, _ string) error {
				waits, now = append(waits, d), now.Add(d)
				return nil
			}
			r := request
			r.Used = func(code string) bool { return code == used }
			r.Skew = 10 * time.Second // the machine goes by this computer's clock
			got, err := l.Code(context.Background(), r)
			if got.Code != c.want || (err == nil) != (c.want != "") || fmt.Sprint(waits) != c.waits {
				t.Errorf("%s, %s: %q, %v, waited %v, want %v", kind, c.name, got.Code, err, waits, c.waits)
			}
		}
	}
}
