package iam

import (
	"context"
	"net/url"

	"fob/internal/awsapi"
)

// maxDevices is how many MFA devices AWS lets a user have:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxDevices = 8

// page is how AWS says that a list continues.
type page struct {
	Truncated bool   `xml:"IsTruncated"`
	Marker    string `xml:"Marker"`
}

// pages gets a list page by page; get does one call. AWS may send pages that are not
// full. A list of more pages than it can have items has no end.
func pages(ctx context.Context, action string, items int, get func(ctx context.Context, marker url.Values) (page, error)) error {
	ctx, cancel := context.WithTimeout(ctx, awsapi.MaxCall)
	defer cancel()
	marker := url.Values(nil)
	for range items {
		p, err := get(ctx, marker)
		if err != nil || !p.Truncated {
			return err
		}
		if p.Marker == "" || p.Marker == marker.Get("Marker") {
			break
		}
		marker = url.Values{"Marker": {p.Marker}}
	}
	return &awsapi.AnswerError{Action: action, Host: "AWS", Problem: "the list has no end"}
}
