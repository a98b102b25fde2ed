package leaks

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// The parts of SARIF 2.1.0 that a report needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		// Bases are the directories to which addresses are relative; none if all of them are
		// to the same.
		Bases   map[string]sarifArtifact `json:"originalUriBaseIds,omitempty"`
		Results []sarifResult            `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID       string         `json:"id"`
		Short    sarifText      `json:"shortDescription"`
		Help     sarifText      `json:"help"`
		Defaults map[string]any `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Properties   map[string]any    `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// rules are the kinds, each with what it is.
func rules() []sarifRule {
	rule := func(kind Kind, what, level string) sarifRule {
		return sarifRule{string(kind), sarifText{what}, sarifText{"Replace the key first: removing it from the file, or from git's history, does not help against those who have it."}, map[string]any{"level": level}}
	}
	return []sarifRule{
		rule(SecretKey, "The secret of an AWS access key", "error"),
		rule(KeyID, "The ID of an AWS access key", "warning"),
		rule(MFASecret, "The secret of an MFA device", "error"),
		rule(BedrockKey, "An API key of Amazon Bedrock", "error"),
	}
}

// SARIF is a report for programs that show such reports, GitHub's code scanning among
// them. Describe says what was found, in a sentence.
func SARIF(r Report, version string, describe func(Finding) string) any {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{"fob", version, rules()}},
		Invocations: []sarifInvocation{{Successful: len(r.Problems) == 0}},
		Results:     []sarifResult{},
	}
	for _, p := range r.Problems {
		note := sarifNotification{"error", sarifText{p.Path + ": " + p.Err.Error()}}
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, note)
	}
	bases := basesOf(r.Findings)
	for _, f := range r.Findings {
		run.Results = append(run.Results, result(f, bases.artifact(f), describe(f)))
	}
	for dir, id := range bases {
		if run.Bases == nil {
			run.Bases = map[string]sarifArtifact{}
		}
		run.Bases[id] = sarifArtifact{URI: strings.TrimSuffix(pathURI(dir), "/") + "/"}
	}
	return sarifLog{"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", "2.1.0", []sarifRun{run}}
}

// bases are the names of the tops of repositories, as an address is relative to one. It is
// nil if all files are in the same repository, or none is in any: then it goes without
// saying, and the report names no directory of anybody's.
type bases map[string]string

func basesOf(all []Finding) bases {
	repositories, b := map[string]bool{}, bases{}
	for _, f := range all {
		if f.Path == "" {
			continue
		}
		repositories[f.at.repository] = true
		if f.at.top != "" && b[f.at.top] == "" {
			b[f.at.top] = "REPOSITORY" + strconv.Itoa(len(b)+1)
		}
	}
	if len(repositories) < 2 {
		return nil
	}
	return b
}

// artifact is the file of a finding: relative to the top of its repository, as GitHub reads
// it.
func (b bases) artifact(f Finding) sarifArtifact {
	switch {
	case f.at.top != "":
		return sarifArtifact{pathURI(f.at.path), b[f.at.top]}
	case len(b) > 0: // relative to none of them
		return sarifArtifact{URI: pathURI(f.at.path)}
	}
	return sarifArtifact{URI: pathURI(f.Path)}
}

func result(f Finding, file sarifArtifact, message string) sarifResult {
	res := sarifResult{Rule: string(f.Kind), Message: sarifText{message}, Locations: []sarifLocation{}}
	for i, rule := range rules() {
		if rule.ID == res.Rule {
			res.Index, res.Level = i, rule.Defaults["level"].(string)
		}
	}
	if f.WithSecret {
		res.Level = "error"
	}
	if f.Path != "" {
		at := sarifPhysical{Artifact: file}
		if f.Line > 0 {
			at.Region = &sarifRegion{f.Line}
		}
		res.Locations = []sarifLocation{{at}}
	}
	object := ""
	if f.Git != nil {
		object = f.Git.ID
		// Without the repository's directory, which is that of somebody's home.
		res.Properties = map[string]any{"object": f.Git.ID, "type": f.Git.Type, "commit": f.Git.Commit, "author": f.Git.Author, "date": f.Git.Date, "reachable": f.Git.Reachable}
	}
	// What stays the same when lines move and keys are replaced, for programs that follow a
	// finding.
	sum := sha256.Sum256([]byte(strings.Join([]string{string(f.Kind), f.KeyID, f.Serial, f.Fingerprint, strconv.FormatBool(f.WithSecret), f.Spelling, file.URI, object}, "\x00")))
	res.Fingerprints = map[string]string{"fobLeak/v1": hex.EncodeToString(sum[:16])}
	return res
}

// pathURI is a path as a URI: relative if the path is.
func pathURI(path string) string {
	slashed := filepath.ToSlash(path)
	switch {
	case strings.HasPrefix(slashed, "/"):
		return (&url.URL{Scheme: "file", Path: slashed}).String()
	case filepath.IsAbs(path): // C:/
		return (&url.URL{Scheme: "file", Path: "/" + slashed}).String()
	}
	return (&url.URL{Path: slashed}).String()
}
