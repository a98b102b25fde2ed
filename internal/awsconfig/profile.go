package awsconfig

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Value is the value of a key, and where it stands.
type Value struct {
	// Text may be empty: `key =` is a value. It may be a secret.
	Text string
	File string
	Line int // of the key, from 1
	// Key is the key as written in the file, but in lower case: "fob_role_arn". Written is
	// it with its capitals.
	Key, Written string
}

// Format prints the place, with any verb, and never the text.
func (v Value) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "%s:%d", v.File, v.Line) }

// Profile has the properties of one name from both files. The credentials file wins
// over the config file, and both win over the profiles that include_profile names.
// The static keys are one unit: they come from the credentials file if it has an
// aws_access_key_id or an aws_secret_access_key, else from the config file, and
// never from an included profile.
//
// The zero Profile has no values.
type Profile struct {
	Name string
	// File and Line are the place of the first header that counts.
	File string
	Line int

	// Pointers, because fmt prints the unexported fields of a struct around a Profile
	// without calling Format.
	own      *properties
	included []*properties // of the included profiles, the nearest first
}

// Format prints the name and the place, with any verb, and no values.
func (p Profile) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "%q (%s:%d)", p.Name, p.File, p.Line) }

type properties map[string]entry

type entry struct {
	Value
	subs map[string]Value
	// behind are the values of a key with fob's prefix that this one hides: of the same
	// key further up, or in the other file.
	behind []Value
	// hidden is an access key, or a part of one, in the lines that continue the value.
	hidden Value
}

// hiding is e where old stood before.
func (e entry) hiding(old entry) entry {
	e.hidden = cmp.Or(e.hidden, old.hidden)
	if strings.HasPrefix(e.Key, prefix) {
		e.behind = append(append(e.behind, old.Value), old.behind...)
	}
	return e
}

// prefix marks fob's own form of a key, which SDKs ignore and which wins.
const prefix = "fob_"

// Get finds the value of key, in lower case; fob_KEY wins over KEY in the same
// profile.
func (p Profile) Get(key string) (Value, bool) {
	e, ok := p.find(prefix+key, key)
	return e.Value, ok
}

// Plain is Get without the fob_ prefix.
func (p Profile) Plain(key string) (Value, bool) {
	e, ok := p.find(key)
	return e.Value, ok
}

// Sub finds a property nested under key, as in
//
//	sts =
//	  endpoint_url = http://localhost:4566
func (p Profile) Sub(key, sub string) (Value, bool) {
	e, _ := p.find(prefix+key, key)
	v, ok := e.subs[sub]
	return v, ok
}

// Keys are those of the profile's own sections, sorted.
func (p Profile) Keys() []string {
	if p.own == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(*p.own))
}

// Own is Plain without included profiles, which AWS SDKs do not know.
func (p Profile) Own(key string) (Value, bool) {
	p.included = nil
	return p.Plain(key)
}

// Hidden is the first line of an access key that continues the value above it: the Go and
// the JavaScript SDK use that key, the AWS CLI and fob see only a long value.
func (p Profile) Hidden() (first Value, ok bool) {
	if p.own == nil {
		return Value{}, false
	}
	for _, e := range *p.own {
		v := e.hidden
		if v.Key != "" && (!ok || cmp.Or(strings.Compare(v.File, first.File), v.Line-first.Line) < 0) {
			first, ok = v, true
		}
	}
	return first, ok
}

// Layers are the profile without what it includes, and each included one, the nearest
// first.
func (p Profile) Layers() (all []Profile) {
	for _, m := range append([]*properties{p.own}, p.included...) {
		layer := p
		layer.own, layer.included = m, nil
		all = append(all, layer)
	}
	return all
}

// Every lists all values of a key with fob's prefix that are not empty, the one that
// Plain finds first: also those that a second line with the key, the other file or the
// including profile hides.
func (p Profile) Every(key string) (all []Value) {
	for _, layer := range p.Layers() {
		e, ok := layer.find(key)
		if !ok {
			continue
		}
		for _, v := range append([]Value{e.Value}, e.behind...) {
			if v.Text != "" {
				all = append(all, v)
			}
		}
	}
	return all
}

// Prefixed lists the values whose keys have fob's prefix, with those of included
// profiles, in the order of the files.
func (p Profile) Prefixed() (all []Value) {
	for _, m := range append([]*properties{p.own}, p.included...) {
		if m == nil {
			continue
		}
		for key, e := range *m {
			if strings.HasPrefix(key, prefix) {
				all = append(all, e.Value)
			}
		}
	}
	slices.SortFunc(all, inOrder)
	return all
}

// Variables lists the values whose keys name a variable, without those of included
// profiles, in the order of the files. Two names that differ in their capitals are two
// variables, unless foldCase: then the one that counts for every other key is the only one.
func (p Profile) Variables(foldCase bool) (all []Value) {
	if p.own == nil {
		return nil
	}
	for key, e := range *p.own {
		if !strings.HasPrefix(key, variablePrefix) {
			continue
		}
		same := []Value{e.Value}
		for _, v := range e.behind {
			is := func(o Value) bool { return o.Written[len(variablePrefix):] == v.Written[len(variablePrefix):] }
			if !foldCase && !slices.ContainsFunc(same, is) {
				same = append(same, v)
			}
		}
		all = append(all, same...)
	}
	slices.SortFunc(all, inOrder)
	return all
}

func inOrder(a, b Value) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) }

func (p Profile) find(keys ...string) (entry, bool) {
	for i, m := range append([]*properties{p.own}, p.included...) {
		for _, k := range keys {
			if m == nil || i > 0 && static(k) {
				continue
			}
			if e, ok := (*m)[k]; ok {
				return e, true
			}
		}
	}
	return entry{}, false
}

const (
	keyID     = "aws_access_key_id"
	keySecret = "aws_secret_access_key"
	keyToken  = "aws_session_token"
	// keyOldToken is boto's old name of the token. The AWS CLI still reads it.
	keyOldToken = "aws_security_token"
)

// static keys belong together, because a token works only with its own pair. The Go
// SDK would combine the pair of the credentials file with the token of the config
// file, which AWS refuses; fob does not, like botocore.
func static(key string) bool {
	return key == keyID || key == keySecret || key == keyToken || key == keyOldToken
}

// merge copies the credentials file's properties over the config file's.
func merge(config, credentials properties) properties {
	_, id := credentials[keyID]
	_, secret := credentials[keySecret]
	loser := credentials
	if id || secret {
		loser = config
	}
	maps.DeleteFunc(loser, func(key string, _ entry) bool { return static(key) })
	for key, e := range credentials {
		if old, ok := config[key]; ok {
			e = e.hiding(old)
		}
		config[key] = e
	}
	return config
}
