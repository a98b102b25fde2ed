package signin

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// Account is an account that is open to the user who is signed in.
type Account struct {
	ID, Name, Email string
	Roles           []string // sorted
}

const (
	// pageSize is the most that the portal lists at once, from its API reference.
	pageSize = "100"
	// maxPages is far more than any organization has: 10,000 accounts are AWS's own limit.
	maxPages = 200
	// listers is how many accounts are asked about at once: the portal answers about ten
	// calls a second, and the client waits if it says that they are too many.
	listers = 4
)

// Accounts returns the accounts and roles that are open to the user of Identity
// Center, sorted by name. If somebody has to sign in, the error is a *NeededError. The
// account and the role of step do not matter.
func (s *Signer) Accounts(ctx context.Context, step plan.SSO) ([]Account, error) {
	c := center{step}
	var all []Account
	type account struct{ AccountID, AccountName, EmailAddress string }
	err := list(ctx, s, c, "ListAccounts", "/assignment/accounts", nil, func(page struct {
		AccountList []account
		pageEnd
	}) (pageEnd, error) {
		for _, got := range page.AccountList {
			if !plan.IsAccountID(got.AccountID) {
				return pageEnd{}, c.strange("ListAccounts", "malformed accounts")
			}
			all = append(all, Account{ID: got.AccountID, Name: got.AccountName, Email: got.EmailAddress})
		}
		return page.pageEnd, nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.listRoles(ctx, c, all); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Account) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// listRoles adds the roles of the accounts, several accounts at a time.
func (s *Signer) listRoles(ctx context.Context, c center, all []Account) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan *Account)
	var wg sync.WaitGroup
	for range min(listers, len(all)) {
		wg.Go(func() {
			for a := range todo {
				if err := s.rolesOf(ctx, c, a); err != nil {
					cancel(err) // the first error is the one that counts
				}
			}
		})
	}
	for i := range all {
		select {
		case todo <- &all[i]:
		case <-ctx.Done():
		}
	}
	close(todo)
	wg.Wait()
	return context.Cause(ctx)
}

func (s *Signer) rolesOf(ctx context.Context, c center, a *Account) error {
	type role struct{ RoleName, AccountID string }
	err := list(ctx, s, c, "ListAccountRoles", "/assignment/roles", url.Values{"account_id": {a.ID}}, func(page struct {
		RoleList []role
		pageEnd
	}) (pageEnd, error) {
		for _, got := range page.RoleList {
			if !creds.IsPrintable(got.RoleName) || got.AccountID != a.ID {
				return pageEnd{}, c.strange("ListAccountRoles", "malformed roles")
			}
			a.Roles = append(a.Roles, got.RoleName)
		}
		return page.pageEnd, nil
	})
	slices.Sort(a.Roles)
	return err
}

// pageEnd is the end of a page of a list: where the next one begins, or "".
type pageEnd struct{ NextToken string }

// list reads all pages of a list. take takes over a page.
func list[Page any](ctx context.Context, s *Signer, c center, action, path string, query url.Values, take func(Page) (pageEnd, error)) error {
	next := ""
	for range maxPages {
		ask := url.Values{"max_result": {pageSize}}
		for name, values := range query {
			ask[name] = values
		}
		if next != "" {
			ask.Set("next_token", next)
		}
		var page Page
		err := s.atPortal(ctx, c, func(portal *awsapi.Client, t creds.Token) error {
			return portal.JSON(ctx, creds.Session{}, awsapi.JSON{
				Service: "sso", Action: action, Method: "GET", Path: path, Query: ask, Header: bearer(t), Again: true,
			}, &page)
		})
		if err != nil {
			return err
		}
		end, err := take(page)
		if err != nil || end.NextToken == "" {
			return err
		}
		next = end.NextToken
	}
	return c.strange(action, "a list without an end")
}

// strange is the error for an answer that cannot be AWS's.
func (c center) strange(action, problem string) error {
	return &awsapi.AnswerError{Action: action, Host: host(c.Portal), Problem: problem}
}

// Of is a plan with nothing but a sign-in to Identity Center, for Ask. profile is one
// that it is good for.
func Of(s plan.SSO, profile string) plan.Plan {
	s.Profile = profile
	return plan.Plan{Profile: profile, Steps: []plan.Step{s}}
}
