package awsapi

import (
	"context"
	"fmt"
	"net/http"
)

// Location is where a web page redirects to, by one step; it follows none. The page is not
// AWS's, so nothing is sent but the request for it.
func (c *Client) Location(ctx context.Context, page string) (string, error) {
	ctx, end := c.begin(ctx)
	defer end()
	r := &request{action: "the start URL"}
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		ctx := r.begin(ctx, page)
		ask, err := http.NewRequestWithContext(ctx, method, page, http.NoBody)
		if err != nil {
			return "", err
		}
		answer, err := c.http.Do(ask)
		if err != nil {
			return "", r.unreachable(reason(ctx, err), "")
		}
		answer.Body.Close()
		switch to := answer.Header.Get("Location"); {
		case answer.StatusCode == http.StatusMethodNotAllowed || answer.StatusCode == http.StatusNotImplemented:
			continue // some servers know only GET
		case answer.StatusCode < 300 || answer.StatusCode >= 400 || to == "":
			return "", fmt.Errorf("no redirect (HTTP status %d)", answer.StatusCode)
		default:
			return to, nil
		}
	}
	return "", fmt.Errorf("the server knows neither HEAD nor GET")
}
