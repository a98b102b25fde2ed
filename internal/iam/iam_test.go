package iam

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/ststest"
)

const (
	newSerial = "arn:aws:iam::" + ststest.DemoAccount + ":mfa/new"
	fobSerial = "arn:aws:iam::" + ststest.DemoAccount + ":mfa/jo-fob"
)

// try is an enrollment of the demo user, and what fob stored and logged.
type try struct {
	Enrolment
	aws   *ststest.Server
	seeds map[string]creds.Seed
	steps map[string]int64 // the last one used
	said  []string
}

func newTry(t *testing.T) *try {
	t.Helper()
	aws, err := ststest.Start(ststest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { aws.Close() })
	if err := aws.AddDemo(); err != nil {
		t.Fatal(err)
	}
	e := &try{aws: aws, seeds: map[string]creds.Seed{}, steps: map[string]int64{}}
	limits := awsapi.Limits{Dial: 2 * time.Second, Answer: 2 * time.Second, Call: 5 * time.Second, Backoff: 10 * time.Millisecond}
	client, err := awsapi.NewClient(limits, plan.Endpoint{URL: aws.URL, Region: "us-east-1", Home: "us-east-1"}, e.log)
	if err != nil {
		t.Fatal(err)
	}
	e.Enrolment = Enrolment{
		Client: Client{
			AWS:  client,
			With: creds.Session{Key: creds.Key{ID: ststest.DemoKeyID, Secret: creds.NewSecret(ststest.DemoSecret)}},
			User: "jo", Prefix: strings.TrimSuffix(newSerial, "new"),
		},
		Keep: func(_ context.Context, serial string, seed creds.Seed) error {
			if got := aws.Devices(""); !slices.Contains(got, serial) {
				t.Errorf("%s is not made, or enabled before its seed is kept: %v", serial, got)
			}
			e.seeds[serial] = seed
			return nil
		},
		Forget: func(serial string) error { delete(e.seeds, serial); return nil },
		Show:   func(context.Context, Device) error { return nil },
		Codes:  e.codes,
		Log:    e.log,
	}
	return e
}

func (e *try) log(format string, args ...any) { e.said = append(e.said, fmt.Sprintf(format, args...)) }

// codes moves AWS's clock instead of waiting.
func (e *try) codes(_ context.Context, serial string) (first, second string, err error) {
	if last := e.steps[serial]; last != 0 {
		e.aws.Advance(time.Minute)
	}
	step := e.aws.Step(serial)
	e.steps[serial] = step
	first, _ = mfa.Code(e.seeds[serial], step-1)
	second, err = mfa.Code(e.seeds[serial], step)
	return first, second, err
}

func (e *try) calls() string {
	var actions []string
	for _, c := range e.aws.Calls() {
		actions = append(actions, strings.TrimSuffix(strings.TrimSuffix(c.Action, "MFADevice"), "Virtual"))
	}
	e.aws.ResetCalls()
	return strings.Join(actions, " ")
}

// nothing fails the test if anything is left of an enrollment.
func (e *try) nothing(t *testing.T) {
	t.Helper()
	if left := e.aws.Devices(""); left != nil || len(e.seeds) != 0 {
		t.Errorf("left at AWS: %v; seeds: %d", left, len(e.seeds))
	}
	if own := e.aws.Devices(ststest.DemoUser); !slices.Equal(own, []string{ststest.DemoSerial}) {
		t.Errorf("the user has %v", own)
	}
}

func fault(t *testing.T, text string) ststest.Fault {
	t.Helper()
	f, err := ststest.ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The device that jo already has uses the name jo.
func TestEnroll(t *testing.T) {
	e := newTry(t)
	serial, err := e.Run(t.Context())
	if err != nil || serial != fobSerial {
		t.Fatalf("%q, %v", serial, err)
	}
	if got, want := e.calls(), "Create Create Enable"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
	if own := e.aws.Devices(ststest.DemoUser); !slices.Equal(own, []string{ststest.DemoSerial, fobSerial}) {
		t.Errorf("the user has %v", own)
	}
	if got, err := e.Devices(t.Context()); err != nil || !slices.Equal(got, []string{ststest.DemoSerial, fobSerial}) {
		t.Errorf("%v, %v", got, err)
	}
	// Both names are taken now, and a name that was asked for is not replaced.
	for _, name := range []string{"", "jo"} {
		e.Name = name
		if _, err := e.Run(t.Context()); !Refused(err, AlreadyExists) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if found, err := e.Remove(t.Context(), fobSerial); !found || err != nil {
		t.Error(found, err)
	}
	delete(e.seeds, fobSerial)
	e.nothing(t)
	if found, err := e.Remove(t.Context(), fobSerial); found || err != nil {
		t.Errorf("removed twice: %v, %v", found, err)
	}
}

var errNo = errors.New("no")

// An enrollment that fails leaves nothing behind.
func TestEnrollFails(t *testing.T) {
	reset := "connection reset"
	if runtime.GOOS == "windows" {
		reset = "wsarecv: " // and the same in the language of the system
	}
	for _, c := range []struct {
		name  string
		spoil func(*try)
		says  string
		calls string
	}{
		{"not allowed", func(e *try) { e.aws.Deny("CreateVirtualMFADevice") }, "AccessDenied", "Create"},
		{"throttled all the time", func(e *try) { e.aws.Fail("CreateVirtualMFADevice", fault(t, "throttle"), ststest.Always) }, "AWS answered Throttling", "Create Create Create Create Create Create"},
		{"the store", func(e *try) {
			e.Keep = func(context.Context, string, creds.Seed) error { return errNo }
		}, "no", "Create Deactivate Delete"},
		{"the screen", func(e *try) {
			e.Show = func(context.Context, Device) error { return errNo }
		}, "no", "Create Deactivate Delete"},
		{"the codes", func(e *try) {
			e.Codes = func(context.Context, string) (string, string, error) { return "", "", errNo }
		}, "no", "Create Deactivate Delete"},
		{"enabling is not allowed", func(e *try) { e.aws.Deny("EnableMFADevice") }, "AccessDenied", "Create Enable Deactivate Delete"},
		{"not enabled, and not heard of", func(e *try) { e.aws.Fail("EnableMFADevice", fault(t, "drop"), 1) }, "closed before the answer was complete", "Create Enable Deactivate Delete"},
		{"enabled, but not heard of", func(e *try) { e.aws.Fail("EnableMFADevice", fault(t, "lost"), 1) }, reset, "Create Enable Deactivate Delete"},
		{"AWS fails", func(e *try) { e.aws.Fail("EnableMFADevice", fault(t, "status=500"), 1) }, "AWS answered InternalFailure", "Create Enable Deactivate Delete"},
		{"wrong codes twice", func(e *try) {
			e.Codes = func(context.Context, string) (string, string, error) { return "000000", "000000", nil }
		}, "InvalidAuthenticationCode", "Create Enable Enable Deactivate Delete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newTry(t)
			e.Name = "new"
			c.spoil(e)
			_, err := e.Run(t.Context())
			var left *LeftError
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.As(err, &left) {
				t.Errorf("%v, want %s", err, c.says)
			}
			if got := e.calls(); got != c.calls {
				t.Errorf("calls %s, want %s", got, c.calls)
			}
			e.nothing(t)
			secrets := append([]string{fmt.Sprint(err)}, e.said...)
			for _, s := range secrets {
				if strings.Contains(s, "000000") || strings.Contains(s, ststest.DemoSecret) {
					t.Errorf("a secret in %q", s)
				}
			}
		})
	}
}

// One pair of codes may be wrong.
func TestEnrollOnceMore(t *testing.T) {
	e := newTry(t)
	e.Name = "new"
	spoilt := false
	e.Codes = func(ctx context.Context, serial string) (string, string, error) {
		first, second, err := e.codes(ctx, serial)
		if !spoilt {
			spoilt = true
			return second, first, err
		}
		return first, second, err
	}
	if serial, err := e.Run(t.Context()); serial != newSerial || err != nil {
		t.Errorf("%q, %v", serial, err)
	}
	if got, want := e.calls(), "Create Enable Enable"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
}

// After Ctrl-C between two calls, the cleanup is finished.
func TestEnrollCancelled(t *testing.T) {
	e := newTry(t)
	e.Name = "new"
	ctx, cancel := context.WithCancel(t.Context())
	e.Codes = func(ctx context.Context, serial string) (string, string, error) {
		cancel()
		return "", "", ctx.Err()
	}
	if _, err := e.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	e.nothing(t)
	if _, err := e.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got, want := e.calls(), "Create Deactivate Delete"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
}

// trap does something before or after each call of an action.
type trap struct {
	Caller
	action        string
	before, after func()
}

func (c trap) Query(ctx context.Context, with creds.Session, q awsapi.Query, answer any) error {
	if q.Action != c.action {
		return c.Caller.Query(ctx, with, q, answer)
	}
	c.before()
	defer c.after()
	return c.Caller.Query(ctx, with, q, answer)
}

// Wherever an enrollment fails or is cancelled: the user has a device whose seed is
// stored, or nothing is left, or the error names the device, and it can be removed.
func TestEnrollStopsAnywhere(t *testing.T) {
	nothing := func() {}
	ways := map[string]func(e *try, action string, cancel func()){
		"cancelled before": func(e *try, action string, cancel func()) { e.AWS = trap{e.AWS, action, cancel, nothing} },
		"cancelled after":  func(e *try, action string, cancel func()) { e.AWS = trap{e.AWS, action, nothing, cancel} },
		"denied":           func(e *try, action string, _ func()) { e.aws.Deny(action) },
	}
	for _, text := range []string{"drop", "lost", "reset", "status=500", "throttle", "portal", "truncated", "empty"} {
		for _, times := range []int{1, ststest.Always} {
			ways[fmt.Sprintf("%s %d", text, times)] = func(e *try, action string, _ func()) { e.aws.Fail(action, fault(t, text), times) }
		}
	}
	actions := []string{"CreateVirtualMFADevice", "EnableMFADevice", "DeactivateMFADevice", "DeleteVirtualMFADevice"}
	for i, action := range actions {
		for way, spoil := range ways {
			t.Run(action+" "+way, func(t *testing.T) {
				t.Parallel() // the SDK waits before it tries again
				e := newTry(t)
				e.Name = "new"
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i > 1 {
					e.aws.Deny("EnableMFADevice") // or there is nothing to undo
				}
				spoil(e, action, cancel)
				_, err := e.Run(ctx)
				var left *LeftError
				switch _, kept := e.seeds[newSerial]; {
				case err == nil:
					if own := e.aws.Devices(ststest.DemoUser); !slices.Contains(own, newSerial) || !kept {
						t.Errorf("the user has %v, the seed is kept: %v", own, kept)
					}
					return
				case errors.As(err, &left):
					if left.Serial != newSerial || left.Undo != nil && !kept {
						t.Errorf("%v, the seed is kept: %v", err, kept)
					}
					e.aws.Heal()
					for _, a := range actions {
						e.aws.Allow(a)
					}
					if _, err := e.Remove(t.Context(), left.Serial); err != nil {
						t.Error(err)
					}
					delete(e.seeds, left.Serial)
				}
				e.nothing(t)
			})
		}
	}
}

// Remove makes its second call even if it is cancelled after the first.
func TestRemoveCancelled(t *testing.T) {
	e := newTry(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.AWS = trap{e.AWS, "DeactivateMFADevice", func() {}, cancel}
	if found, err := e.Remove(ctx, ststest.DemoSerial); !found || err != nil {
		t.Error(found, err)
	}
	if own, left := e.aws.Devices(ststest.DemoUser), e.aws.Devices(""); own != nil || left != nil {
		t.Errorf("the user has %v, and %v is left", own, left)
	}
}

// The error names a device that could not be removed, and its seed is kept.
func TestEnrollLeaves(t *testing.T) {
	e := newTry(t)
	e.Name = "new"
	e.aws.Deny("EnableMFADevice")
	e.aws.Deny("DeactivateMFADevice")
	_, err := e.Run(t.Context())
	var left *LeftError
	if !errors.As(err, &left) || left.Serial != newSerial || left.Undo == nil || !Refused(left.Err, Denied) {
		t.Errorf("%v", err)
	}
	if _, ok := e.seeds[newSerial]; !ok {
		t.Error("the seed is gone")
	}

	// Without an answer, nobody knows whether there is a device, and fob does not try
	// to create it twice.
	for text, made := range map[string]bool{"drop": false, "lost": true, "reset": true, "status=500": false} {
		e = newTry(t)
		e.Name = "new"
		e.aws.Fail("CreateVirtualMFADevice", fault(t, text), 1)
		_, err = e.Run(t.Context())
		if !errors.As(err, &left) || left.Serial != newSerial || left.Undo != nil || len(e.seeds) != 0 {
			t.Errorf("%s: %v", text, err)
		}
		if got := e.calls(); got != "Create" || slices.Contains(e.aws.Devices(""), newSerial) != made {
			t.Errorf("%s: calls %s", text, got)
		}
	}
}

// AWS's words may repeat the codes of an enrollment. Those of a refusal are hidden.
func TestCodesAreHidden(t *testing.T) {
	e := newTry(t)
	client, err := awsapi.NewClient(awsapi.Limits{}, plan.Endpoint{URL: quoting(t), Region: "us-east-1", Home: "us-east-1"}, e.log)
	if err != nil {
		t.Fatal(err)
	}
	e.AWS = client
	err = e.Enable(t.Context(), newSerial, "135791", "246802")
	if err == nil || !strings.Contains(err.Error(), "[hidden]") {
		t.Fatal(err)
	}
	for _, text := range append(e.said, err.Error()) {
		if strings.Contains(text, "135791") || strings.Contains(text, "246802") {
			t.Errorf("a code is in %q", text)
		}
	}
}

// quoting is an AWS that refuses everything, and repeats what it was sent.
func quoting(t *testing.T) (url string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) // its end is what was sent
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>%s</Message></Error></ErrorResponse>", html.EscapeString(string(text)))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A damaged answer is not taken for a device.
func TestCreateChecksTheAnswer(t *testing.T) {
	for _, text := range []string{"portal", "truncated", "empty"} {
		e := newTry(t)
		e.Name = "new"
		e.aws.Fail("CreateVirtualMFADevice", fault(t, text), ststest.Always)
		_, err := e.Run(t.Context())
		var left *LeftError
		if !errors.As(err, &left) || len(e.seeds) != 0 {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A wrong clock is corrected.
func TestWrongClock(t *testing.T) {
	e := newTry(t)
	e.aws.Advance(time.Hour)
	if got, err := e.Devices(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if got := e.calls(); got != "ListMFADevices ListMFADevices" {
		t.Errorf("calls %s", got)
	}
}

// The list of devices has pages, and is requested again if the answer is lost.
func TestDevices(t *testing.T) {
	e := newTry(t)
	var devices []ststest.Device
	for _, name := range []string{"a", "b"} {
		devices = append(devices, ststest.Device{Serial: "arn:aws:iam::" + ststest.DemoAccount + ":u2f/user/jo/" + name, Seed: creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed)}})
	}
	if err := e.aws.AddUser(ststest.User{ARN: ststest.DemoUser, MFA: devices}); err != nil {
		t.Fatal(err)
	}
	e.aws.Fail("ListMFADevices", fault(t, "drop"), 1)
	got, err := e.Devices(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	codes, keys, others := e.Split(append(got, "GAHT12345678"))
	if !slices.Equal(codes, []string{ststest.DemoSerial, "GAHT12345678"}) || len(keys) != 2 || others != nil {
		t.Errorf("%v, %v, %v", codes, keys, others)
	}
	if Virtual("GAHT12345678") || Virtual(keys[0]) || !Virtual(ststest.DemoSerial) {
		t.Error("what is virtual?")
	}
}

// What cannot be a device of the user is neither one with codes nor a security key.
func TestSplit(t *testing.T) {
	c := Client{Prefix: "arn:aws:iam::111111111111:mfa/"}
	for serial, want := range map[string]string{
		"arn:aws:iam::111111111111:mfa/jo":                "code",
		"GAHT12345678":                                    "code",
		"arn:aws:iam::111111111111:u2f/user/jo/key-ABC":   "key",
		"arn:aws:iam::222222222222:mfa/jo":                "other",
		"arn:aws-cn:iam::111111111111:mfa/jo":             "other",
		"arn:aws:iam::111111111111:user/jo":               "other",
		"arn:aws:iam::111111111111:sms-mfa/jo":            "other",
		"arn:aws:iam::11:u2f/user/jo/key-ABC":             "other",
		"not a serial":                                    "other",
		"":                                                "other",
		"\x1b[2J":                                         "other",
		"arn:aws:iam::111111111111:mfa/jo\nregion = evil": "other",
	} {
		codes, keys, others := c.Split([]string{serial})
		got := map[bool]string{len(codes) == 1: "code", len(keys) == 1: "key", len(others) == 1: "other"}[true]
		if got != want || len(codes)+len(keys)+len(others) != 1 {
			t.Errorf("%q is %s, want %s", serial, got, want)
		}
	}
}

// caller answers with documents, and counts.
type caller struct {
	answer func(call int) string
	calls  int
}

func (c *caller) Query(_ context.Context, _ creds.Session, _ awsapi.Query, answer any) error {
	c.calls++
	return xml.Unmarshal([]byte(c.answer(c.calls)), answer)
}

// A list ends, or is an error within the number of calls that AWS's longest one takes.
func TestListsEnd(t *testing.T) {
	list := func(more string, serials ...string) string {
		var b strings.Builder
		b.WriteString("<ListMFADevicesResponse><ListMFADevicesResult><MFADevices>")
		for _, s := range serials {
			b.WriteString("<member><SerialNumber>" + s + "</SerialNumber></member>")
		}
		return b.String() + "</MFADevices>" + more + "</ListMFADevicesResult></ListMFADevicesResponse>"
	}
	again := func(marker string) string { return "<IsTruncated>true</IsTruncated><Marker>" + marker + "</Marker>" }
	const done = "<IsTruncated>false</IsTruncated>"
	for name, row := range map[string]struct {
		answer  func(call int) string
		devices int
		calls   int
	}{
		"none":             {func(int) string { return list(done) }, 0, 1},
		"no word about it": {func(int) string { return list("", "A1") }, 1, 1},
		"one a page": {func(n int) string {
			if n == maxDevices {
				return list(done, fmt.Sprint("A", n))
			}
			return list(again(fmt.Sprint(n)), fmt.Sprint("A", n))
		}, maxDevices, maxDevices},
		"always more":       {func(n int) string { return list(again(fmt.Sprint(n)), "A1") }, -1, maxDevices},
		"empty pages":       {func(n int) string { return list(again(fmt.Sprint(n))) }, -1, maxDevices},
		"the same page":     {func(int) string { return list(again("x"), "A1") }, -1, 2},
		"more, but not how": {func(int) string { return list("<IsTruncated>true</IsTruncated>", "A1") }, -1, 1},
		"too many":          {func(int) string { return list(done, strings.Split(strings.Repeat("A1 ", 9000), " ")...) }, -1, 1},
	} {
		aws := &caller{answer: row.answer}
		serials, err := Client{AWS: aws}.Devices(t.Context())
		var answer *awsapi.AnswerError
		if row.devices < 0 != errors.As(err, &answer) || len(serials) != max(0, row.devices) || aws.calls != row.calls {
			t.Errorf("%s: %d devices after %d calls, %v", name, len(serials), aws.calls, err)
		}
	}
}
