package keyring

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"fob/internal/creds"
	"fob/internal/input"
)

// The age slot: the vault key is encrypted to recipients, which are public keys in
// the header, and decrypted with identities from a file that the user names.
// Programs called age-plugin-NAME handle identities that live in hardware.

const (
	kindAge = "age"

	maxIdentityFile = 64 << 10
)

// createAge encrypts to the slot's recipients; in a new store, these are the
// recipients of the user's identities. If an identity here can open the result,
// createAge does so as a test; a recipient whose identity is elsewhere cannot be
// tested.
func createAge(ctx context.Context, s *Store, h header, sl slot, payload string) (made, error) {
	ui := s.newPluginUI(ctx)
	var recipients []age.Recipient
	for _, text := range sl.Recipients {
		r, err := parseRecipient(text, &ui.ClientUI)
		if err != nil {
			return made{}, err
		}
		recipients = append(recipients, r)
	}
	m := made{undo: func() {}}
	var err error
	m.file, err = slowly(ctx, s, "waiting for an age plugin ...", func() ([]byte, error) {
		file, err := sealAge(payload, recipients...)
		return file, ui.reason(pluginFailure(err))
	})
	if err != nil {
		return made{}, err
	}
	if s.opts.AgeIdentity == "" {
		m.untested = &IdentityError{Problem: noIdentityFile}
		return m, nil
	}
	again, err := s.unsealIdentity(ctx, m.file, sl.Name)
	var elsewhere *BackendError
	var missing *PluginError
	switch {
	case errors.As(err, &elsewhere), errors.As(err, &missing):
		m.untested = err
	case err != nil:
		return made{}, err
	case again != payload:
		return made{}, &DamagedError{sl.Name, "it cannot be opened again"}
	}
	return m, nil
}

func openAge(ctx context.Context, s *Store, h header, sl slot) (string, error) {
	name := slotFileName(h, sl)
	file, err := s.slotFile(name)
	if err != nil {
		return "", err
	}
	return s.unsealIdentity(ctx, file, name)
}

// unsealIdentity opens an age file called name with the user's identities.
func (s *Store) unsealIdentity(ctx context.Context, file []byte, name string) (payload string, err error) {
	ui := s.newPluginUI(ctx)
	identities, _, err := s.identities(&ui.ClientUI)
	if err != nil {
		return "", err
	}
	payload, err = slowly(ctx, s, waitsFor(identities), func() (string, error) {
		payload, err := unsealAge(file, name, identities...)
		return payload, ui.reason(err)
	})
	var none *age.NoIdentityMatchError
	var failed *BackendError
	var missing *PluginError
	switch {
	case errors.As(err, &missing):
		return "", missing
	case errors.As(err, &failed):
		return "", failed
	case errors.As(err, &none):
		return "", &BackendError{Backend: kindAge, Reason: fmt.Sprintf("no identity in %q opens it", s.opts.AgeIdentity)}
	}
	return payload, err
}

// pluginUI lets plugins talk to a person.
type pluginUI struct {
	plugin.ClientUI
	mu sync.Mutex
	// why is the reason that a question had no answer; age tells only the plugin.
	why error
}

func (s *Store) newPluginUI(ctx context.Context) *pluginUI {
	ui := &pluginUI{}
	ask := func(name, text string, secret bool) (string, error) {
		var answer creds.Secret
		err := error(&LockedError{Slot: kindAge, Reason: "cannot ask what age-plugin-" + name + " wants to know"})
		if s.opts.Ask != nil {
			answer, err = s.opts.Ask(ctx, Question{Kind: AskPlugin, Store: s.opts.Dir, Attempt: 1, Plugin: name, Text: text, Secret: secret})
		}
		if err != nil {
			ui.mu.Lock()
			ui.why = err
			ui.mu.Unlock()
		}
		return answer.Reveal(), err
	}
	ui.RequestValue = ask
	ui.Confirm = func(name, prompt, yes, no string) (bool, error) {
		choices := " [" + yes + "]"
		if no != "" {
			choices = " [" + yes + "/" + no + "]"
		}
		answer, err := ask(name, prompt+choices, false)
		return err == nil && (answer == "" || strings.EqualFold(answer, yes)), err
	}
	ui.DisplayMessage = func(name, message string) error {
		if s.opts.Notice != nil {
			s.opts.Notice("age-plugin-" + name + ": " + message)
		}
		return nil
	}
	return ui
}

// reason is why a plugin failed.
func (ui *pluginUI) reason(err error) error {
	ui.mu.Lock()
	defer ui.mu.Unlock()
	if err != nil && ui.why != nil {
		return ui.why
	}
	return err
}

// waitsFor says what takes long when these identities open something: their plugins.
func waitsFor(identities []age.Identity) string {
	var plugins []string
	for _, i := range identities {
		if p, ok := i.(pluginIdentity); ok && !slices.Contains(plugins, "age-plugin-"+p.Name()) {
			plugins = append(plugins, "age-plugin-"+p.Name())
		}
	}
	text := "waiting for " + strings.Join(plugins, ", ")
	if slices.Contains(plugins, "age-plugin-yubikey") {
		return text + ": touch your YubiKey?"
	}
	return text + " ..."
}

// pluginFailure translates an error of age, which has a plugin's text in it.
func pluginFailure(err error) error {
	var missing *plugin.NotFoundError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return &PluginError{"age-plugin-" + missing.Name}
	}
	return &BackendError{Backend: kindAge, Reason: err.Error()}
}

// ownRecipients returns the recipients of the user's identities.
func (s *Store) ownRecipients(ctx context.Context) ([]string, error) {
	_, recipients, err := s.identities(&s.newPluginUI(ctx).ClientUI)
	if err == nil && len(recipients) == 0 {
		err = &IdentityError{s.opts.AgeIdentity, `does not name its recipient ("# recipient: age1...")`}
	}
	return recipients, err
}

// pluginIdentity lets age try the next identity when a plugin fails: there may be
// two hardware keys, one of them in a drawer.
type pluginIdentity struct{ *plugin.Identity }

func (i pluginIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := i.Identity.Unwrap(stanzas)
	if err != nil && !errors.Is(err, age.ErrIncorrectIdentity) {
		err = errors.Join(age.ErrIncorrectIdentity, pluginFailure(err))
	}
	return key, err
}

func parseRecipient(text string, ui *plugin.ClientUI) (age.Recipient, error) {
	var r age.Recipient
	var err error
	switch name, _, bad := plugin.ParseRecipient(text); {
	case strings.HasPrefix(text, "age1pq1"):
		r, err = age.ParseHybridRecipient(text)
	case bad == nil && name != "":
		r, err = plugin.NewRecipient(text, ui)
	default:
		r, err = age.ParseX25519Recipient(text)
	}
	if err != nil {
		return nil, &RecipientError{text, "not an age recipient (age1...)"}
	}
	return r, nil
}

// recipientLine matches the line that names the recipient in an identity file of a
// plugin. The plugin's identity itself does not contain it.
func recipientLine() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^#\s*(?:recipient|public key):\s*(age1[a-z0-9]+)\s*$`)
}

// identities reads the file that the user named, and returns the recipients of its
// identities, too.
func (s *Store) identities(ui *plugin.ClientUI) (list []age.Identity, recipients []string, err error) {
	path := s.opts.AgeIdentity
	if path == "" {
		return nil, nil, &LockedError{Slot: kindAge, Reason: noIdentityFile}
	}
	problem := func(text string) ([]age.Identity, []string, error) { return nil, nil, &IdentityError{path, text} }
	text, err := s.identityText()
	if err != nil {
		return problem("cannot be read: " + err.Error())
	}
	var said []string
	comment := recipientLine()
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if m := comment.FindStringSubmatch(line); m != nil {
			said = append(said, m[1])
		}
		if line == "" || line[0] == '#' {
			continue
		}
		identity, recipient, err := parseIdentity(line, ui)
		if err != nil {
			// The parser's error may quote the identity.
			return problem(fmt.Sprintf("has no age identity in line %d (encrypted files and SSH keys are not supported)", n+1))
		}
		list = append(list, identity)
		if recipient != "" {
			recipients = append(recipients, recipient)
		}
	}
	if len(list) == 0 {
		return problem("has no age identity")
	}
	for _, r := range said {
		if _, _, err := plugin.ParseRecipient(r); err == nil && !slices.Contains(recipients, r) {
			recipients = append(recipients, r)
		}
	}
	return list, recipients, nil
}

// hasPlugin reports whether opening an age slot can take a person: a plugin may want
// a PIN or a touch, a plain identity wants nothing.
func (s *Store) hasPlugin() bool {
	text, err := s.identityText()
	return err == nil && strings.Contains(text, "AGE-PLUGIN-")
}

// identityText returns the file's content. It reads the file only once, because a
// shell's <(age -d ...) cannot be read again.
func (s *Store) identityText() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.identity == nil {
		text, err := input.Read(s.opts.AgeIdentity, maxIdentityFile)
		if err != nil {
			return "", errors.Unwrap(err) // without the path
		}
		secret := creds.NewSecret(text)
		s.identity = &secret
	}
	return s.identity.Reveal(), nil
}

// parseIdentity returns an identity and, unless it is a plugin's, its recipient.
func parseIdentity(line string, ui *plugin.ClientUI) (age.Identity, string, error) {
	switch {
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		i, err := plugin.NewIdentity(line, ui)
		return pluginIdentity{i}, "", err
	case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
		i, err := age.ParseHybridIdentity(line)
		if err != nil {
			return nil, "", err
		}
		return i, i.Recipient().String(), nil
	}
	i, err := age.ParseX25519Identity(line)
	if err != nil {
		return nil, "", err
	}
	return i, i.Recipient().String(), nil
}
