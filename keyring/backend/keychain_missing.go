//go:build darwin && !cgo && !fob_no_keychain

package backend

// Without cgo the library has no keychain and says nothing. This does.
var _ = macos_builds_need_CGO_ENABLED_1_or_the_tag_fob_no_keychain
