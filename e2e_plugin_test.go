//go:build unix

package main

import (
	"errors"

	filippo "filippo.io/age"
	"filippo.io/age/plugin"
)

// pluginMain is age-plugin-fobtest, which uses age's own keys. Like a plugin for
// hardware, it prints a message before it works, and asks for a PIN: 1234.
func pluginMain() int {
	p, err := plugin.New("fobtest")
	if err != nil {
		panic(err)
	}
	p.HandleRecipient(func(data []byte) (filippo.Recipient, error) {
		r, err := filippo.ParseX25519Recipient(string(data))
		return speaking{p, r}, err
	})
	p.HandleIdentity(func(data []byte) (filippo.Identity, error) {
		i, err := filippo.ParseX25519Identity(string(data))
		return asking{p, i}, err
	})
	return p.Main()
}

type speaking struct {
	*plugin.Plugin
	filippo.Recipient
}

func (s speaking) Wrap(key []byte) ([]*filippo.Stanza, error) {
	if err := s.DisplayMessage("sealing"); err != nil {
		return nil, err
	}
	return s.Recipient.Wrap(key)
}

type asking struct {
	*plugin.Plugin
	filippo.Identity
}

func (a asking) Unwrap(stanzas []*filippo.Stanza) ([]byte, error) {
	if pin, err := a.RequestValue("PIN:", true); err != nil || pin != "1234" {
		return nil, errors.New("wrong PIN")
	}
	return a.Identity.Unwrap(stanzas)
}
