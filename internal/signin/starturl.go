package signin

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fob/internal/awsapi"
)

// portalSuffixes end the hosts of AWS's own start URLs, and portalHosts are hosts of
// issuer URLs, which have no DNS record. They are of all partitions.
var (
	portalSuffixes = [...]string{
		".app.aws", ".portal.amazonaws.com", ".portal.amazonaws.com.cn", ".app.amazonwebservices.com.cn",
		".portal.amazonaws.eu", ".api.amazonwebservices.eu", ".awsapps.com", ".awsapps.cn",
	}
	portalHosts = [...]string{
		"identitycenter.amazonaws.com", "identitycenter.amazonaws.com.cn", "identitycenter.amazonaws.eu", "identitycenter.us-gov.amazonaws.com",
	}
)

// isPortal reports whether a start URL is AWS's own, and not a company's that leads to it.
func isPortal(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return slices.Contains(portalHosts[:], host) ||
		slices.ContainsFunc(portalSuffixes[:], func(suffix string) bool { return strings.HasSuffix(host, suffix) })
}

// resolveStartURL is where a start URL of a company's own leads to. If that cannot be
// found out, it is the URL itself, with the reason: AWS may know it all the same.
func resolveStartURL(ctx context.Context, client *awsapi.Client, start string) (string, error) {
	u, err := url.Parse(start)
	if err != nil || u.Scheme != "https" || isPortal(u) || awsapi.IsLoopback(u.Hostname()) {
		return start, err
	}
	location, err := client.Location(ctx, start)
	if err != nil {
		return start, err
	}
	return leadsTo(start, location)
}

// leadsTo is where a start URL leads with a redirect to location.
func leadsTo(start, location string) (string, error) {
	u, err := url.Parse(start)
	if err != nil {
		return start, err
	}
	to, err := u.Parse(location)
	switch {
	case err != nil:
		return start, err
	case to.Scheme != "https" || !isPortal(to):
		return start, fmt.Errorf("leads to %s, which is not an AWS access portal", to.Host)
	}
	if to.Port() == "443" {
		to.Host = to.Hostname()
	}
	to.RawQuery, to.Fragment, to.User = "", "", nil
	to.Path = strings.TrimSuffix(to.Path, "/")
	return to.String(), nil
}
