//go:build unix

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
)

// TestModel runs random command lines in random situations (keys that are replaced and
// deactivated, an edited config, hours that pass, a wrong clock, codes of every kind, two
// stores), and compares each with what a model of fob says: the exit code, every call with
// the credentials that sign it, which session is served and when it expires, and what
// status, list and explain claim. fob and the fake AWS have one clock, which the test moves.
//
// The model is written from the manual and not from the code. The steps are the same in
// every run. FOBTEST_MODEL=SEED:STEPS runs others.
func TestModel(t *testing.T) {
	t.Parallel()
	walks, steps := 4, 150
	if os.Getenv("TORTURE") != "" {
		walks, steps = 30, 300
	}
	seeds := make([]uint64, walks)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	if one := os.Getenv("FOBTEST_MODEL"); one != "" {
		seed, n, _ := strings.Cut(one, ":")
		seeds = []uint64{must(strconv.ParseUint(seed, 10, 64))}
		steps = must(strconv.Atoi(cmp.Or(n, "150")))
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := newModel(t, seed)
			for m.step = range steps {
				m.act()
			}
			t.Logf("%d commands, %d calls, %v", m.commands, m.calls, m.exits)
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The users, keys and roles of the model's AWS. jo has the demo's MFA device, bot has none.
// deploy demands MFA, audit does not, and only deploy may assume ops.
const (
	botKeyID  = "AKIAI44QH8DHBEXAMPLE"
	joKey2ID  = "AKIAJO2EXAMPLEEXAMPL"
	botUser   = "arn:aws:iam::111111111111:user/bot"
	auditRole = "arn:aws:iam::222222222222:role/audit"
	opsRole   = "arn:aws:iam::333333333333:role/ops"
)

var modelProfiles = []string{"jo", "deploy", "deploy2", "audit", "ops", "bot", "proc"}

// modelKeys are the keys, and who has them.
var modelKeys = map[string]string{ststest.DemoKeyID: ststest.DemoUser, joKey2ID: ststest.DemoUser, botKeyID: botUser}

// modelConfig is what the test edits in the AWS config.
type modelConfig struct {
	joDevice bool          // jo has fob_mfa_serial
	joLife   time.Duration // fob_session_duration; 0 for none
	roleLife time.Duration // duration_seconds of deploy; 0 for none
	roleAge  time.Duration // fob_mfa_max_age of deploy, not of deploy2; 0 for none
	account  string        // fob_account of bot; "" for none
}

func (c modelConfig) text(process string) string {
	var b strings.Builder
	section := func(name string, lines ...string) {
		fmt.Fprintf(&b, "[profile %s]\nregion = us-east-1\n%s\n\n", name, strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n"))
	}
	line := func(on bool, format string, args ...any) string {
		if !on {
			return ""
		}
		return fmt.Sprintf(format, args...)
	}
	section("jo", line(c.joDevice, "fob_mfa_serial = %s", ststest.DemoSerial), line(c.joLife > 0, "fob_session_duration = %s", c.joLife))
	life := line(c.roleLife > 0, "duration_seconds = %d", int(c.roleLife.Seconds()))
	role := func(arn string) string { return "role_session_name = model\nfob_role_arn = " + arn }
	section("deploy", "fob_source_profile = jo", role(ststest.DemoRole), life, line(c.roleAge > 0, "fob_mfa_max_age = %s", c.roleAge))
	section("deploy2", "fob_source_profile = jo", role(ststest.DemoRole), life)
	section("audit", "fob_source_profile = jo", role(auditRole), "fob_mfa_serial = none")
	section("ops", "fob_source_profile = deploy2", role(opsRole))
	section("bot", line(c.account != "", "fob_account = %s", c.account))
	section("proc", "credential_process = "+process)
	return b.String()
}

// modelSession is a session as fob keeps it.
type modelSession struct {
	name    string // the model's own; ids has AWS's
	source  string // the profile whose key or process it is from
	rev     int    // of that key
	created time.Time
	expires time.Time // by fob's clock
	atAWS   time.Time // by AWS's
	mfa     time.Time // when the code was given, by AWS's clock; zero without one
}

type modelKey struct {
	id  string
	rev int
	// account is known: the key was verified.
	account bool
}

// modelStore is a store, and what its locks remember.
type modelStore struct {
	exists   bool
	keys     map[string]modelKey
	seed     bool
	sessions map[string]modelSession // by modelPlan.id
	used     []modelCode
	skew     time.Duration // of fob's clock, when a code was last answered
}

// modelCode is a code that fob has sent, and when by its clock.
type modelCode struct {
	step int64
	at   time.Time
}

func (s modelStore) clone() modelStore {
	s.keys, s.sessions, s.used = maps.Clone(s.keys), maps.Clone(s.sessions), slices.Clone(s.used)
	return s
}

// model is the state that the test knows, beside the real one.
type model struct {
	t        *testing.T
	w        *world
	rand     *rand.Rand
	seed     uint64
	step     int
	commands int
	calls    int
	exits    map[int]int

	now    time.Time     // AWS's clock
	skew   time.Duration // how far fob's is ahead
	active map[string]bool
	burnt  map[int64]bool // the steps whose codes AWS has taken
	cfg    modelConfig
	stores [2]modelStore
	in     int // the store of the command
	revs   int
	names  int
	ids    map[string]string // AWS's key IDs by the model's names
	// the process of proc: how long its answers live, 0 without end, and how often it ran.
	processLife time.Duration
	processRuns int
	trace       []string
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, w: newWorld(t), rand: rand.New(rand.NewPCG(seed, 0)), seed: seed, exits: map[int]int{},
		now:    time.Date(2026, 3, 2, 8, 0, 10, 0, time.UTC), // 10 s into an MFA step, as after every command
		active: map[string]bool{}, burnt: map[int64]bool{}, ids: map[string]string{},
		cfg: modelConfig{joDevice: true}, processLife: time.Hour,
	}
	m.w.AWS.Deny("ListAccessKeys") // which would take a call for each key
	for i := range m.stores {
		m.stores[i] = modelStore{keys: map[string]modelKey{}, sessions: map[string]modelSession{}}
	}
	for id := range modelKeys {
		m.activate(id)
	}
	everybody := []string{"arn:aws:iam::111111111111:root"}
	for _, r := range []ststest.Role{
		{ARN: ststest.DemoRole, Principals: everybody, MFA: true, MaxSession: 4 * time.Hour},
		{ARN: auditRole, Principals: everybody, MaxSession: 4 * time.Hour},
		{ARN: opsRole, Principals: []string{ststest.DemoRole}},
	} {
		must(0, m.w.AWS.AddRole(r))
	}
	// Each run prints another key ID, and an end where $HOME/end has one.
	m.write("process", `#!/bin/sh
echo >> "$HOME/runs"
printf '{"Version":1,"AccessKeyId":"ASIAPROCESSRUN%06d","SecretAccessKey":"`+ststest.DemoSecret+`","SessionToken":"token"%s}\n' "$(wc -l < "$HOME/runs")" "$(cat "$HOME/end")"
`, 0o700)
	m.writeConfig()
	return m
}

// activate makes AWS accept a key, again or for the first time.
func (m *model) activate(id string) {
	m.active[id] = true
	must(0, m.w.AWS.AddUser(ststest.User{ARN: modelKeys[id], Keys: []creds.Key{{ID: id, Secret: creds.NewSecret(ststest.DemoSecret)}}}))
}

func (m *model) write(name, text string, mode os.FileMode) {
	name = filepath.Join(m.w.Home, name)
	must(0, os.MkdirAll(filepath.Dir(name), 0o700))
	must(0, os.WriteFile(name, []byte(text), mode))
}

func (m *model) writeConfig() {
	m.write(".aws/config", m.cfg.text(filepath.Join(m.w.Home, "process")), 0o600)
}

func (m *model) pick(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := m.rand.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

func oneOf[T any](m *model, of ...T) T { return of[m.rand.IntN(len(of))] }

// act does one step: something happens, or somebody types a command.
func (m *model) act() {
	m.in = m.pick(4, 1)
	if m.step < 2 {
		m.in = m.step
		m.add("jo", ststest.DemoKeyID, true)
		return
	}
	profile := oneOf(m, modelProfiles...)
	switch m.pick(24, 14, 8, 8, 4, 3, 3, 22, 5, 5, 3, 3) {
	case 0:
		m.export(profile)
	case 1:
		m.exec(profile)
	case 2:
		m.login(profile)
	case 3:
		m.add(oneOf(m, "jo", "jo", "bot"), oneOf(m, slices.Sorted(maps.Keys(modelKeys))...), m.pick(2, 1) == 0)
	case 4:
		m.remove(oneOf(m, "jo", "bot"))
	case 5:
		m.clear(oneOf(m, "", profile))
	case 6:
		m.setSeed()
	case 7:
		m.pass()
	case 8:
		m.edit()
	case 9:
		m.deactivate()
	case 10:
		m.setSkew()
	case 11:
		m.run(modelOutcome{}, "lock")
	}
	m.claims(profile)
}

func (m *model) log(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%3d %s %s", m.step, m.now.Format("15:04:05"), fmt.Sprintf(format, args...)))
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("FOBTEST_MODEL=%d:%d\n%s\n%s", m.seed, m.step+1, strings.Join(m.trace, "\n"), fmt.Sprintf(format, args...))
}

// pass lets time pass, often until a live session is about to end. It keeps the clock 10 s
// into a step of the MFA device.
func (m *model) pass() {
	d := oneOf(m, 30*time.Second, 3*time.Minute, 14*time.Minute, 29*time.Minute, 41*time.Minute, 3*time.Hour, 7*time.Hour, 13*time.Hour)
	if s := m.stores[m.in].sessions; len(s) > 0 && m.pick(1, 1) == 0 {
		id := slices.Sorted(maps.Keys(s))[m.rand.IntN(len(s))]
		left := s[id].expires.Sub(m.now.Add(m.skew)) - oneOf(m, 40*time.Minute, 17*time.Minute, 15*time.Minute, 4*time.Minute, time.Minute, -time.Minute)
		if left > 0 && !s[id].expires.IsZero() {
			d = left
		}
	}
	m.now = m.now.Add(d.Truncate(30*time.Second) + 30*time.Second)
	m.log("time passes: %s", d)
}

func (m *model) edit() {
	c := &m.cfg
	switch m.pick(2, 2, 2, 2, 1, 2) {
	case 0:
		c.joDevice = !c.joDevice
	case 1:
		c.joLife = oneOf(m, 0, 15*time.Minute, time.Hour)
	case 2:
		c.roleLife = oneOf(m, 0, 15*time.Minute, 30*time.Minute, 2*time.Hour)
	case 3:
		if m.skew.Abs() < time.Minute {
			c.roleAge = oneOf(m, 0, 30*time.Minute)
		}
	case 4:
		c.account = oneOf(m, "", "111111111111", "999999999999")
	case 5:
		m.processLife = oneOf(m, 0, 10*time.Minute, time.Hour)
	}
	m.writeConfig()
	m.log("the config is edited: %+v, the process's answers live %s", *c, m.processLife)
}

func (m *model) deactivate() {
	id := oneOf(m, slices.Sorted(maps.Keys(modelKeys))...)
	if m.active[id] && m.pick(1, 1) == 0 {
		m.active[id] = false
		m.w.AWS.DeactivateKey(id)
		m.log("%s is deactivated", id)
		return
	}
	m.activate(id)
	m.log("%s is active", id)
}

// setSkew sets fob's clock. What a stored secret does with a wrong clock is a test of its
// own, as is an age by a clock that is minutes wrong.
func (m *model) setSkew() {
	m.skew = 0
	switch {
	case m.stores[0].seed || m.stores[1].seed:
	case m.cfg.roleAge > 0:
		m.skew = oneOf(m, 0, 20*time.Second)
	default:
		m.skew = oneOf(m, 0, 20*time.Second, -20*time.Second, 3*time.Minute, -3*time.Minute, 10*time.Minute, -10*time.Minute)
	}
	m.log("fob's clock is ahead by %s", m.skew)
}

// modelPlan is how a profile gets credentials.
type modelPlan struct {
	source string // the profile whose key or process it starts from
	key    modelKey
	calls  []modelCall
	age    time.Duration // how old its MFA may be; 0 for any
	guard  string        // the account that AWS must say the key is of; "" for any
}

// modelCall is a call of STS: GetSessionToken if it has no role.
type modelCall struct {
	role string
	life time.Duration
	code bool
}

func (c modelCall) action() string {
	if c.role == "" {
		return "GetSessionToken"
	}
	return "AssumeRole"
}

// id names the session after the first n calls; 0 is what a process printed.
func (p modelPlan) id(n int) string { return fmt.Sprint(p.source, p.key.id, p.guard, p.calls[:n]) }

// plan makes the plan of a profile; d is --duration, least the shortest session of the
// command. code is the exit code if there is no plan.
func (m *model) plan(profile string, d, least time.Duration) (p modelPlan, code int) {
	st := m.stores[m.in]
	life := func(wish, limit time.Duration) time.Duration {
		if d > 0 {
			return d
		}
		return min(max(wish, least, 15*time.Minute), limit)
	}
	p.source = "jo"
	if profile == "bot" || profile == "proc" {
		p.source = profile
	}
	if profile != "proc" {
		var ok bool
		if p.key, ok = st.keys[p.source]; !ok {
			return p, exitNoProfile
		}
	}
	switch {
	case profile != "bot":
	case !p.key.account:
		p.guard = m.cfg.account
	case m.cfg.account == "999999999999":
		return p, exitFailed
	}
	base := modelCall{life: max(cmp.Or(m.cfg.joLife, 12*time.Hour), 15*time.Minute), code: m.cfg.joDevice}
	role := func(arn string, wish time.Duration) {
		c := modelCall{role: arn, life: life(wish, 12*time.Hour), code: m.cfg.joDevice}
		if c.code && c.life <= time.Hour {
			c.code = false
			p.calls = append(p.calls, base)
		}
		p.calls = append(p.calls, c)
	}
	switch profile {
	case "proc":
		if d > 0 {
			return p, exitUsage
		}
	case "jo":
		p.calls = []modelCall{{life: life(cmp.Or(m.cfg.joLife, 12*time.Hour), 36*time.Hour), code: m.cfg.joDevice}}
	case "bot":
		p.calls = []modelCall{{life: life(12*time.Hour, 36*time.Hour)}}
	case "deploy":
		p.age = m.cfg.roleAge
		if p.age > 0 && !m.cfg.joDevice {
			return p, exitFailed // a guard that cannot be enforced
		}
		role(ststest.DemoRole, cmp.Or(m.cfg.roleLife, time.Hour))
	case "deploy2":
		role(ststest.DemoRole, cmp.Or(m.cfg.roleLife, time.Hour))
	case "audit":
		p.calls = []modelCall{{role: auditRole, life: life(time.Hour, 12*time.Hour)}}
	case "ops":
		if d > time.Hour {
			return p, exitUsage
		}
		if m.cfg.joDevice {
			p.calls = []modelCall{base}
		}
		p.calls = append(p.calls,
			modelCall{role: ststest.DemoRole, life: min(cmp.Or(m.cfg.roleLife, time.Hour), time.Hour)},
			modelCall{role: opsRole, life: life(time.Hour, time.Hour)})
	}
	return p, 0
}

// modelRenewal is when a command renews a session.
type modelRenewal struct {
	due         time.Duration
	half, ahead bool
	demand      time.Duration // --duration
}

// modelOutcome is what a command should do.
type modelOutcome struct {
	code   int
	calls  []modelLog
	served *modelSession
	waited bool // for the next code of the device
	ran    bool // the process of proc
	last   bool // what is left is served, because it could not be renewed
}

// modelLog is a call as the fake AWS logs it. The key is AWS's or a model's name.
type modelLog struct{ action, key, result string }

// modelRun carries out a plan in the model.
type modelRun struct {
	*model
	st    *modelStore
	plan  modelPlan
	renew modelRenewal
	// given is the step of --mfa-code; 0 for none.
	given int64
	// ignored are the sessions that may not be used, by name: --fresh, or AWS refused one.
	ignored map[string]bool
	fresh   bool
	quiet   bool
	at      time.Time // AWS's clock, which moves on while fob waits
	out     *modelOutcome
	failed  *errModel // why it failed; nil if it did not
}

// errModel is why the model's run failed.
type errModel struct {
	code    int
	refused bool   // by AWS
	badCode bool   // because of the code
	role    bool   // by this role, which says nothing about others
	expired string // the session that AWS says has expired
}

func (r *modelRun) clock() time.Time { return r.at.Add(r.skew) }

// cached is the session after n calls, if it may be used.
func (r *modelRun) cached(n int) (modelSession, bool) {
	s, ok := r.st.sessions[r.plan.id(n)]
	switch {
	case !ok, r.ignored[s.name], s.rev != r.plan.key.rev, !r.clock().Before(s.expires):
		return modelSession{}, false
	case r.plan.age > 0 && r.clock().Sub(s.mfa) > r.plan.age:
		return modelSession{}, false
	}
	return s, true
}

func (r *modelRun) half(s modelSession) bool {
	return s.expires.Sub(r.clock()) < s.expires.Sub(s.created)/2
}

// base is the session after n calls, if the next call can be made with it.
func (r *modelRun) base(n int) (modelSession, bool) {
	s, ok := r.cached(n)
	if !ok || s.expires.Sub(r.clock()) < time.Minute || r.renew.ahead && r.half(s) {
		return modelSession{}, false
	}
	return s, true
}

// credentials returns the session that is served.
func (r *modelRun) credentials() (modelSession, *errModel) {
	last := len(r.plan.calls)
	if r.fresh {
		for n := range last + 1 {
			r.ignored[r.st.sessions[r.plan.id(n)].name] = true
		}
	}
	s, ok := r.cached(last)
	left := s.expires.Sub(r.clock())
	if r.renew.ahead && last > 1 {
		if _, there := r.base(1); !there {
			for n := range last + 1 {
				r.ignored[r.st.sessions[r.plan.id(n)].name] = true
			}
			r.fresh = true
		}
	}
	due := r.renew.due
	if last == 0 && s.expires.Sub(s.created) < 20*time.Minute {
		due = min(due, 5*time.Minute)
	}
	due = max(due, r.renew.demand/10*9)
	switch {
	case !ok, left < due, r.renew.ahead && (r.half(s) || r.fresh):
	case r.renew.half && r.half(s) && last > 0: // a process may ask
		r.quiet = true
		if made, err := r.make(); err == nil {
			return made, nil
		}
		return s, nil
	default:
		return s, nil
	}
	made, err := r.make()
	if err != nil && ok && left >= max(2*time.Minute, r.renew.demand/10*9) && !err.refused {
		r.out.last = true
		return s, nil
	}
	return made, err
}

// make makes the calls that are missing.
func (r *modelRun) make() (modelSession, *errModel) {
	if len(r.plan.calls) == 0 {
		return r.process(), nil
	}
	s, err := r.chain()
	if err != nil && err.expired != "" {
		for n := range len(r.plan.calls) + 1 {
			r.ignored[r.st.sessions[r.plan.id(n)].name] = true
		}
		s, err = r.chain()
	}
	return s, err
}

func (r *modelRun) chain() (s modelSession, err *errModel) {
	from := len(r.plan.calls) - 1
	for ; from > 0; from-- {
		var ok bool
		if s, ok = r.base(from); ok {
			break
		}
	}
	if from == 0 && r.plan.guard != "" {
		if err := r.identity(); err != nil {
			return s, err
		}
	}
	for n := from; n < len(r.plan.calls) && err == nil; n++ {
		s, err = r.call(n, s)
	}
	return s, err
}

// identity asks AWS for the account of the key.
func (r *modelRun) identity() *errModel {
	log := modelLog{"GetCallerIdentity", r.plan.key.id, "OK"}
	if !r.active[r.plan.key.id] {
		log.result = "InvalidClientTokenId"
	}
	r.out.calls = append(r.out.calls, log)
	switch {
	case log.result != "OK":
		return &errModel{code: exitRefused, refused: true}
	case r.plan.guard != "111111111111":
		return &errModel{code: exitFailed}
	}
	return nil
}

// call makes one call with a session, or with the key where there is none. A code that
// AWS has had from elsewhere is followed by the next one if fob makes the codes.
func (r *modelRun) call(n int, with modelSession) (s modelSession, err *errModel) {
	for range 3 {
		again := r.st.seed && r.given == 0
		if s, err = r.callOnce(n, with); err == nil || !err.badCode || !again {
			break
		}
	}
	return s, err
}

func (r *modelRun) callOnce(n int, with modelSession) (modelSession, *errModel) {
	c := r.plan.calls[n]
	code, badCode := int64(0), false
	if c.code {
		var err *errModel
		if code, err = r.code(); err != nil {
			return with, err
		}
		r.st.used = append(r.st.used, modelCode{code, r.clock()})
	}
	log := modelLog{c.action(), cmp.Or(with.name, r.plan.key.id), "OK"}
	mfa := with.mfa
	now := r.at.Unix() / 30
	switch {
	case with.name == "" && !r.active[r.plan.key.id]:
		log.result = "InvalidClientTokenId"
	case with.name != "" && !r.at.Before(with.atAWS):
		log.result = "ExpiredToken"
	case c.code && (code < now-1 || code > now+1 || r.burnt[code]):
		log.result, badCode = "AccessDenied", true
	default:
		if c.code {
			r.burnt[code], mfa = true, r.at
		}
		if c.role == ststest.DemoRole && mfa.IsZero() {
			log.result = "AccessDenied"
		} else if c.role != "" && c.life > 4*time.Hour {
			log.result = "ValidationError"
		}
	}
	r.out.calls = append(r.out.calls, log)
	if c.code {
		r.learn()
	}
	switch log.result {
	case "OK":
	case "ExpiredToken":
		return with, &errModel{code: exitRefused, refused: true, expired: with.name}
	default:
		return with, &errModel{code: exitRefused, refused: true, badCode: badCode, role: c.role != "" && !badCode && log.result != "InvalidClientTokenId"}
	}
	s := modelSession{
		name: r.newName(), source: r.plan.source, rev: r.plan.key.rev,
		created: r.clock(), atAWS: r.at.Add(c.life), expires: r.at.Add(c.life), mfa: mfa,
	}
	if r.skew <= -5*time.Minute {
		s.expires = s.expires.Add(r.skew) // by fob's clock, which is slow
	}
	r.st.sessions[r.plan.id(n+1)] = s
	return s, nil
}

// learn remembers how wrong fob's clock is, if that matters for codes.
func (r *modelRun) learn() {
	skew := r.skew
	if skew.Abs() < 15*time.Second {
		skew = 0
	}
	if (skew - r.st.skew).Abs() >= 15*time.Second {
		r.st.skew = skew
	}
}

func (m *model) newName() string {
	m.names++
	return fmt.Sprintf("s%d", m.names)
}

// code is the step of the code that fob sends.
func (r *modelRun) code() (int64, *errModel) {
	used := func(step int64) bool {
		return slices.ContainsFunc(r.st.used, func(u modelCode) bool { return u.step == step && r.clock().Sub(u.at).Abs() < 2*time.Minute })
	}
	switch {
	case r.given != 0 && !r.quiet:
		if used(r.given) {
			return 0, &errModel{code: exitUsage}
		}
		step := r.given
		r.given = 0
		return step, nil
	case r.st.seed:
		wrong := r.skew - r.st.skew // how far AWS's time, as fob knows it, is ahead
		step := r.at.Add(wrong).Unix() / 30
		for ; used(step); step++ {
			if r.quiet {
				return 0, &errModel{code: exitNoPerson}
			}
			r.out.waited = true
			r.at = time.Unix((step+1)*30, 0).UTC().Add(-wrong)
		}
		return step, nil
	}
	return 0, &errModel{code: exitNoPerson}
}

// process is what the process of proc prints.
func (r *modelRun) process() modelSession {
	r.processRuns++
	r.out.ran = true
	s := modelSession{name: fmt.Sprintf("ASIAPROCESSRUN%06d", r.processRuns), source: "proc", created: r.clock()}
	if r.processLife > 0 {
		s.expires = r.clock().Add(r.processLife)
	}
	if r.processLife > 5*time.Minute {
		r.st.sessions[r.plan.id(0)] = s
	}
	return s
}

// predict is what a command that makes credentials does: to the model and to the outcome.
func (m *model) predict(out *modelOutcome, profile string, d, least time.Duration, renew modelRenewal, fresh bool, given int64) *modelRun {
	p, code := m.plan(profile, d, least)
	r := &modelRun{model: m, st: &m.stores[m.in], plan: p, renew: renew, given: given, fresh: fresh, ignored: map[string]bool{"": true}, at: m.now, out: out}
	if code != 0 {
		out.code = code
		return r
	}
	s, err := r.credentials()
	if err != nil {
		out.code, r.failed = err.code, err
		return r
	}
	out.served = &s
	return r
}

// givenCode is --mfa-code with a code of some kind, and its step.
func (m *model) givenCode() (flags []string, step int64) {
	now := m.now.Unix() / 30
	used := m.stores[m.in].used
	switch m.pick(6, 8, 1, 1) {
	case 0:
		return nil, 0
	case 1:
		for _, step = range []int64{now, now + 1, now - 1} {
			if !m.burnt[step] {
				break
			}
		}
	case 2:
		step = now + 1000 // wrong
	case 3:
		if len(used) == 0 {
			return nil, 0
		}
		step = used[len(used)-1].step
	}
	return []string{"--mfa-code", m.w.AWS.CodeAt(ststest.DemoSerial, step)}, step
}

var (
	modelExport = modelRenewal{due: 16 * time.Minute}
	modelExec   = modelRenewal{due: 5 * time.Minute, half: true}
	modelLogin  = modelRenewal{due: 16 * time.Minute, ahead: true}
)

func (m *model) export(profile string) {
	var out modelOutcome
	flags, given := m.givenCode()
	fresh := m.pick(7, 1) == 1
	if fresh {
		flags = append(flags, "--fresh")
	}
	m.predict(&out, profile, 0, 20*time.Minute, modelExport, fresh, given)
	stdout := m.run(out, append([]string{"export", "--profile", profile}, flags...)...)
	if out.code != 0 {
		if stdout != "" {
			m.fail("stdout: %s", stdout)
		}
		return
	}
	var doc struct {
		AccessKeyID string `json:"AccessKeyId"`
		Expiration  time.Time
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		m.fail("%v\n%s", err, stdout)
	}
	m.served(*out.served, doc.AccessKeyID, doc.Expiration)
}

func (m *model) exec(profile string) {
	var out modelOutcome
	flags, given := m.givenCode()
	d := oneOf(m, 0, 0, 0, 30*time.Minute, 2*time.Hour, 8*time.Hour)
	if d > 0 {
		flags = append(flags, "--duration", d.String())
	}
	renew := modelExec
	renew.demand = d
	m.predict(&out, profile, d, 0, renew, false, given)
	if out.code != 0 {
		out.code = exitExec
	}
	stdout := m.run(out, slices.Concat([]string{"exec", profile}, flags, []string{"--", "sh", "-c", "printenv AWS_ACCESS_KEY_ID; printenv AWS_CREDENTIAL_EXPIRATION || :"})...)
	if out.code != 0 {
		return
	}
	id, end, _ := strings.Cut(strings.TrimSpace(stdout), "\n")
	var expires time.Time
	if end != "" {
		expires = must(time.Parse(time.RFC3339, end))
	}
	m.served(*out.served, id, expires)
}

// served checks which session was served.
func (m *model) served(s modelSession, id string, expires time.Time) {
	m.bind(s.name, id)
	if !expires.Equal(s.expires) {
		m.fail("%s expires at %s, not at %s", s.name, expires, s.expires)
	}
}

// bind gives a model's session AWS's key ID, or compares it.
func (m *model) bind(name, id string) {
	switch known := m.ids[name]; {
	case !strings.HasPrefix(name, "s"):
		if name != id {
			m.fail("key %s, not %s", id, name)
		}
	case known == "" && slices.Contains(slices.Collect(maps.Values(m.ids)), id):
		m.fail("a session of old: %s", id)
	case known == "":
		m.ids[name] = id
	case known != id:
		m.fail("session %s, not %s (%s)", id, known, name)
	}
}

func (m *model) login(profile string) {
	var out modelOutcome
	flags, given := m.givenCode()
	profiles := []string{profile}
	if m.pick(2, 1) == 1 {
		profiles = append(profiles, oneOf(m, "jo", "deploy", "audit"))
	}
	for _, name := range profiles { // mistakes are told before anything is done
		if _, code := m.plan(name, 0, 0); out.code == 0 {
			out.code = code
		}
	}
	// If one fails, fob signs in to the others but those on the same key, unless it was
	// the role that refused. The exit code is that of the first failure.
	first := out.code
	var tried, dead []string
	for _, name := range profiles {
		p, _ := m.plan(name, 0, 20*time.Minute)
		if first != 0 && len(tried) == 0 || slices.Contains(tried, name) || slices.Contains(dead, p.source) {
			continue
		}
		tried = append(tried, name)
		r := m.predict(&out, name, 0, 20*time.Minute, modelLogin, false, given)
		given = r.given
		if r.failed != nil && !r.failed.role {
			dead = append(dead, p.source)
		}
		first = cmp.Or(first, out.code)
		out.code = 0
	}
	out.code = first
	m.run(out, slices.Concat([]string{"login"}, profiles, flags)...)
}

func (m *model) add(profile, id string, verify bool) {
	if profile == "jo" && id == botKeyID {
		id = joKey2ID
	}
	verify = verify && m.active[id]
	args := []string{"add", profile, "--stdin", "--yes", "--no-config"}
	var out modelOutcome
	if verify {
		out.calls = []modelLog{{"GetCallerIdentity", id, "OK"}}
		if profile == "bot" || !m.cfg.joDevice {
			out.calls = append(out.calls, modelLog{"ListMFADevices", id, "AccessDenied"})
		}
		out.calls = append(out.calls, modelLog{"ListAccessKeys", id, "AccessDenied"})
	} else {
		args = append(args, "--no-verify")
	}
	st := &m.stores[m.in]
	m.revs++
	st.keys[profile], st.exists = modelKey{id, m.revs, verify}, true
	m.forget(profile)
	m.runWith(id+"\n"+ststest.DemoSecret+"\n", out, args...)
}

// forget clears the sessions of a source, or all.
func (m *model) forget(source string) {
	maps.DeleteFunc(m.stores[m.in].sessions, func(_ string, s modelSession) bool { return source == "" || s.source == source })
}

func (m *model) remove(profile string) {
	st := &m.stores[m.in]
	if st.seed {
		return // what becomes of the MFA secret is in the scripts
	}
	var out modelOutcome
	if _, ok := st.keys[profile]; !ok {
		out.code = exitNoProfile
	}
	delete(st.keys, profile)
	m.forget(profile)
	m.run(out, "remove", profile, "--yes")
	m.writeConfig() // the lines of the section are the test's
}

func (m *model) clear(profile string) {
	args := []string{"clear"}
	if profile != "" {
		args = append(args, profile)
	}
	source := profile
	switch profile {
	case "deploy", "deploy2", "audit", "ops":
		if m.cfg.roleAge > 0 || m.stores[m.in].keys["jo"].id == "" {
			return // without a plan, nobody knows what should be cleared
		}
		source = "jo"
	}
	m.forget(source)
	m.run(modelOutcome{}, args...)
}

func (m *model) setSeed() {
	st := &m.stores[m.in]
	var out modelOutcome
	_, out.code = m.plan("jo", 0, 0)
	switch {
	case m.skew != 0:
		return // see setSkew
	case out.code == 0 && !m.cfg.joDevice:
		out.code = exitUsage
	case st.seed:
		st.seed = false
		m.run(modelOutcome{}, "mfa", "remove", "jo", "--yes")
		m.writeConfig()
		return
	case out.code == 0:
		st.seed = true
	}
	m.runWith(ststest.DemoSeed, out, "mfa", "add", "jo", "--stdin", "--yes")
}

func (m *model) run(want modelOutcome, args ...string) string {
	m.t.Helper()
	return m.runWith("", want, args...)
}

// runWith runs fob and compares its exit code and its calls with what is wanted.
func (m *model) runWith(stdin string, want modelOutcome, args ...string) string {
	m.t.Helper()
	m.w.AWS.StopClock(m.now)
	m.w.AWS.ResetCalls()
	end := ""
	if m.processLife > 0 {
		end = fmt.Sprintf(`,"Expiration":%q`, m.now.Add(m.skew+m.processLife).Format(time.RFC3339))
	}
	m.write("end", end, 0o600)
	stdout, stderr, code := m.fob(stdin, args...)
	m.commands++
	m.exits[code]++
	var calls []modelLog
	for _, c := range m.w.AWS.Calls() {
		if c.Code != "SignatureDoesNotMatch" { // by a wrong clock, and sent again
			calls = append(calls, modelLog{c.Action, c.Key, c.Code})
		}
	}
	m.calls += len(calls)
	m.log("store %d: fob %s -> %d %v %s", m.in, strings.Join(args, " "), code, calls, strings.TrimSpace(stderr))
	if code != want.code {
		m.fail("exit code %d, not %d", code, want.code)
	}
	if len(calls) != len(want.calls) {
		m.fail("calls: %v\n want: %v", calls, want.calls)
	}
	for i, c := range calls {
		w := want.calls[i]
		if c.action != w.action || c.result != w.result {
			m.fail("calls: %v\n want: %v", calls, want.calls)
		}
		m.bind(w.key, c.key)
	}
	now := m.w.AWS.Now()
	if waited := now.After(m.now); waited != want.waited {
		m.fail("waited: %v, not %v", waited, want.waited)
	}
	if want.waited {
		m.now = now.Truncate(30 * time.Second).Add(40 * time.Second)
	}
	return stdout
}

func (m *model) fob(stdin string, args ...string) (stdout, stderr string, code int) {
	dir := filepath.Join(m.w.Home, fmt.Sprint("store", m.in))
	w := m.w.with(
		testClock+"="+m.now.Add(m.skew).Format(time.RFC3339Nano),
		"XDG_DATA_HOME="+dir+"/data", "XDG_STATE_HOME="+dir+"/state", "XDG_RUNTIME_DIR="+dir+"/run",
	)
	return w.RunWith(stdin, args...)
}

// claims compares what explain and status say with what export would do.
func (m *model) claims(profile string) {
	if !m.stores[m.in].exists {
		return
	}
	want := m.would(profile)
	text, stderr, code := m.fob("", "explain", profile)
	planned := want.code == 0 || want.code == exitNoPerson || len(want.calls) > 0
	if (code == 0) != planned {
		m.fail("explain %s: %d, export would be %d\n%s%s", profile, code, want.code, text, stderr)
	}
	// exec and export have a line each where they differ.
	nothing := regexp.MustCompile(`(?m)^fob (export )?would neither ask for an MFA code nor call AWS`).MatchString(text)
	if planned && nothing != (want.code == 0 && len(want.calls) == 0 && !want.ran && !want.last) {
		m.fail("export would be %d with %v, but explain says:\n%s", want.code, want.calls, text)
	}
	text, stderr, code = m.fob("", "status", "--all", "--json")
	var all []signedIn
	if err := json.Unmarshal([]byte(text), &all); err != nil || code > exitFailed {
		m.fail("status: %v %d\n%s%s", err, code, text, stderr)
	}
	for _, name := range modelProfiles {
		want := m.would(name)
		i := slices.IndexFunc(all, func(s signedIn) bool { return s.Profile == name })
		claimed := i >= 0 && all[i].Seconds > 0
		cached := want.code == 0 && len(want.calls) == 0 && !want.ran
		if claimed && want.code == exitNoPerson || cached && !claimed {
			m.fail("export %s would be %d with %v, but status says:\n%s", name, want.code, want.calls, text)
		}
	}
}

// would is what export would do now, by itself.
func (m *model) would(profile string) (out modelOutcome) {
	other := *m
	other.stores[m.in], other.burnt = m.stores[m.in].clone(), maps.Clone(m.burnt)
	other.predict(&out, profile, 0, 20*time.Minute, modelExport, false, 0)
	return out
}
