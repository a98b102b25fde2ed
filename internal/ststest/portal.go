package ststest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The part of Identity Center that says who may be what, and makes role credentials:
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html

type portalFailure struct {
	Message string `json:"message,omitempty"`
	Type    string `json:"__type"`
}

// portalError is an error with its name in the header and the document, and more text
// around it in both, as AWS has it.
func portalError(e *refusal) answer {
	if e == errThrottled {
		e = &refusal{http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded"}
	}
	a := document(e.status, e.code, portalFailure{e.message, "com.amazonaws.switchboard.portal#" + e.code})
	a.class = e.code + ":http://internal.amazon.com/coral/com.amazonaws.switchboard.portal/"
	return a
}

// bearer finds the sign-in of a call's token.
func (v *visit) bearer() (*signIn, error) {
	t := v.center.access[v.r.Header.Get("X-Amz-Sso_bearer_token")]
	if t == nil || !v.now.Before(t.expires) || t.signIn.over(v.now) || !v.in(t.signIn.region) ||
		len(t.scopes) > 0 && !slices.Contains(t.scopes, accessScope) {
		return nil, refuse(http.StatusUnauthorized, "UnauthorizedException", "Session token not found or invalid")
	}
	return t.signIn, nil
}

type roleCredentialsAnswer struct {
	RoleCredentials roleCredentials `json:"roleCredentials"`
}

type roleCredentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Expiration      int64  `json:"expiration"` // in milliseconds
}

var (
	errNoAccess = refuse(http.StatusForbidden, "ForbiddenException", "No access")
	errInvalid  = badRequest("InvalidRequestException", "Invalid request")
)

func (v *visit) getRoleCredentials() (any, error) {
	in, err := v.bearer()
	if err != nil {
		return nil, err
	}
	account, role := v.query.Get("account_id"), v.query.Get("role_name")
	if account == "" || role == "" {
		return nil, errInvalid
	}
	for _, p := range v.center.assigned(in) {
		if p.Account == account && p.Name == role {
			return roleCredentialsAnswer{v.credentials(p, in.user)}, nil
		}
	}
	return nil, errNoAccess
}

func (v *visit) credentials(p PermissionSet, user string) roleCredentials {
	life := p.Duration
	if v.life != 0 {
		life = v.life
	}
	c := caller{
		arn:    p.SessionARN(user),
		userID: uniqueID("AROA", p.RoleARN()) + ":" + user,
		role:   p.RoleARN(),
	}
	s := v.world.session(c, v.now.Truncate(time.Second).Add(life))
	return roleCredentials{s.ID, s.Secret.Reveal(), s.Token.Reveal(), s.Expires.UnixMilli()}
}

type accountList struct {
	NextToken   string        `json:"nextToken,omitempty"`
	AccountList []accountInfo `json:"accountList"`
}

type accountInfo struct {
	AccountID    string `json:"accountId"`
	AccountName  string `json:"accountName,omitempty"`
	EmailAddress string `json:"emailAddress,omitempty"`
}

func (v *visit) listAccounts() (any, error) {
	in, err := v.bearer()
	if err != nil {
		return nil, err
	}
	list := accountList{AccountList: []accountInfo{}}
	for _, p := range v.center.assigned(in) {
		if n := len(list.AccountList); n == 0 || list.AccountList[n-1].AccountID != p.Account {
			list.AccountList = append(list.AccountList, accountInfo{p.Account, p.AccountName, p.Email})
		}
	}
	list.AccountList, list.NextToken, err = pageOf(v, list.AccountList, func(a accountInfo) string { return a.AccountID })
	return list, err
}

type roleList struct {
	NextToken string     `json:"nextToken,omitempty"`
	RoleList  []roleInfo `json:"roleList"`
}

type roleInfo struct {
	RoleName  string `json:"roleName"`
	AccountID string `json:"accountId"`
}

func (v *visit) listAccountRoles() (any, error) {
	in, err := v.bearer()
	if err != nil {
		return nil, err
	}
	account := v.query.Get("account_id")
	if account == "" {
		return nil, errInvalid
	}
	list := roleList{RoleList: []roleInfo{}}
	for _, p := range v.center.assigned(in) {
		if p.Account == account {
			list.RoleList = append(list.RoleList, roleInfo{p.Name, p.Account})
		}
	}
	if len(list.RoleList) == 0 {
		return nil, errNoAccess
	}
	list.RoleList, list.NextToken, err = pageOf(v, list.RoleList, func(r roleInfo) string { return r.RoleName })
	return list, err
}

// pageOf is the page of a list that the call asks for, and the token of the next. A page
// is shorter than the caller asks for, as AWS's may be, so that tests cover paging.
func pageOf[T any](v *visit, all []T, name func(T) string) (page []T, next string, err error) {
	const most = 2
	size := most
	if asked := v.query.Get("max_result"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > 100 {
			return nil, "", errInvalid
		}
		size = min(n, most)
	}
	if token := v.query.Get("next_token"); token != "" {
		last, ok := v.center.pages[token]
		if !ok {
			return nil, "", errInvalid
		}
		all = slices.DeleteFunc(all, func(t T) bool { return strings.Compare(name(t), last) <= 0 })
	}
	if len(all) <= size {
		return all, "", nil
	}
	next = rand.Text() + "+/=" // it must be escaped
	v.center.pages[next] = name(all[size-1])
	return all[:size], next, nil
}

// logout ends the sign-in. Role sessions stay valid until they expire.
func (v *visit) logout() (any, error) {
	in, err := v.bearer()
	if err != nil {
		return nil, err
	}
	in.ended = true
	return nil, nil
}
