package leaks

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
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
		Results     []sarifResult     `json:"results"`
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
		URI string `json:"uri"`
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
	for _, f := range r.Findings {
		run.Results = append(run.Results, result(f, describe(f)))
	}
	return sarifLog{"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func result(f Finding, message string) sarifResult {
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
		at := sarifPhysical{Artifact: sarifArtifact{pathURI(f.Path)}}
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
	// What stays the same when lines move, for programs that follow a finding.
	sum := sha256.Sum256([]byte(strings.Join([]string{f.key(), f.Spelling, filepath.ToSlash(f.Path), object}, "\x00")))
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
