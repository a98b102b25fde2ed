package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// ownSignIn is fob's own sign-in to the console, in the store.
type ownSignIn struct {
	*Signer
	console
}

func (o ownSignIn) read(ctx context.Context) (creds.Token, error) {
	t, info, err := o.token(ctx, o.console)
	// The end counts from this computer's clock. If that has been put back since, nobody
	// knows how much is left.
	if info.PutBack(o.Now()) {
		t.Expires = time.Time{}
	}
	return t, err
}

func (o ownSignIn) reserve(ctx context.Context) error {
	name, id := o.item()
	return o.Store.CanSetToken(ctx, name, id)
}

func (o ownSignIn) save(ctx context.Context, t creds.Token) error {
	name, id := o.item()
	_, info, err := o.token(ctx, o.console)
	if err == nil {
		_, err = o.Store.SetToken(ctx, name, id, t, info)
	}
	if err != nil {
		// The old one may be useless by now, but this one works.
		o.Note("could not save the sign-in to %s, so it may soon be needed again: %v", consoleTitle, err)
	}
	return nil
}

func (o ownSignIn) release() {}

// refused forgets a sign-in that has ended: AWS would only refuse it again. The lock is not
// over other machines, which may have the same store and have been faster.
func (o ownSignIn) refused(ctx context.Context, t creds.Token, err error) (creds.Token, error) {
	if now, problem := o.read(ctx); problem == nil && !now.Refresh.Equal(t.Refresh) && o.left(now) >= consoleLeast {
		return now, nil
	}
	if needed := (*NeededError)(nil); errors.As(err, &needed) && o.left(t) < consoleLeast {
		o.Log("the sign-in to %s has ended", consoleTitle)
		name, id := o.item()
		if problem := o.Store.RemoveToken(name, id); problem != nil {
			o.Log("could not remove the sign-in: %v", problem)
		}
	}
	return t, err
}

// awsSignIn is a sign-in in the cache of AWS's tools, which all of them renew.
type awsSignIn struct {
	signer  *Signer
	console console
	file    awsFile
	next    *replacement // between reserve and release
}

// awsCacheDir is where AWS's tools keep sign-ins to the console.
func awsCacheDir(home string, step plan.ConsoleLogin) string {
	if in, ok := strings.CutPrefix(step.CacheDir, "~/"); ok { // the AWS CLI expands it
		return filepath.Join(home, in)
	}
	return cmp.Or(step.CacheDir, filepath.Join(home, ".aws", "login", "cache"))
}

// consoleLife is how long AWS lets a sign-in to the console be renewed at most.
const consoleLife = 12 * time.Hour

// InAWSCache reports whether AWS's tools keep a sign-in to the console that AWS may still
// renew. It does not read it: it is written at each renewal.
func InAWSCache(home string, step plan.ConsoleLogin, now time.Time) bool {
	dir := awsCacheDir(home, step)
	info, err := os.Stat(awsCacheFile(dir, step.Session))
	return err == nil && filepath.IsAbs(dir) && now.Sub(info.ModTime()) < consoleLife
}

func (a *awsSignIn) read(context.Context) (creds.Token, error) {
	dir := awsCacheDir(a.signer.Home, a.console.ConsoleLogin)
	file, err := readAWSCache(dir, a.console.Session)
	if !filepath.IsAbs(dir) || errors.Is(err, fs.ErrNotExist) {
		return creds.Token{}, a.console.needed()
	}
	if cache := (*CacheError)(nil); errors.As(err, &cache) {
		cache.Profile, cache.AWSLogin = a.console.Profile, a.console.AWSLogin
	}
	if err != nil {
		return creds.Token{}, err
	}
	a.file = file
	return file.token, nil
}

// reserve's error does not advise the AWS CLI's sign-in: that writes the same file.
func (a *awsSignIn) reserve(context.Context) (err error) {
	if a.next, err = a.file.replace(a.signer.Now()); err == nil {
		return nil
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = file.Err
	}
	return &CacheError{Profile: a.console.Profile, File: a.file.path, Err: fmt.Errorf("cannot renew the sign-in to %s: %w", consoleTitle, err)}
}

// save writes the file. What cannot be written is kept in the store, if that takes it
// without a person; else it is lost, which the error says.
func (a *awsSignIn) save(ctx context.Context, t creds.Token) error {
	text, err := renderAWSCache(a.file.text, t)
	if err == nil {
		err = a.next.finish(text)
	}
	if errors.Is(err, errCacheChanged) {
		a.signer.Log("%s: %v", a.file.path, err)
		return nil
	}
	if err == nil {
		return nil
	}
	name, id := a.console.item()
	_, problem := a.signer.Store.SetToken(keyring.WithoutAsking(ctx), name, id, t, keyring.Info{Account: t.Session.AccountID, ARN: a.console.Session})
	if problem != nil {
		a.signer.Log("the store does not keep the sign-in either: %v", problem)
		return &LostError{Profile: a.console.Profile, File: a.file.path, AWSLogin: a.console.AWSLogin, Err: err}
	}
	a.signer.Note("AWS has renewed the sign-in, and %s could not be written (%v): fob keeps it, but other tools may have to sign in again", a.file.path, err)
	return nil
}

func (a *awsSignIn) release() { a.next.drop() }

// refused looks whether another tool was faster, and its refresh token the newer one.
func (a *awsSignIn) refused(ctx context.Context, t creds.Token, err error) (creds.Token, error) {
	before := a.file.text
	if now, problem := a.read(ctx); problem == nil && a.file.text != before && a.signer.left(now) >= consoleLeast {
		return now, nil
	}
	return t, err
}

// LostError means that a new refresh token could not be kept: AWS may not take the old
// one any more.
type LostError struct {
	Profile, File string
	AWSLogin      bool
	Err           error `json:"-"`
}

func (e *LostError) Error() string {
	return fmt.Sprintf(`AWS has renewed the sign-in of %s, but "%s" could not be written (%v): it may be necessary to sign in again`, e.Profile, e.File, e.Err)
}

// Unwrap returns the reason.
func (e *LostError) Unwrap() error { return e.Err }
