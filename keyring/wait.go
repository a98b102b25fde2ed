package keyring

import "context"

// waiting says for what this process waits, until done.
func (s *Store) waiting(text func() string) (done func()) {
	if s.opts.Waiting == nil {
		return func() {}
	}
	return s.opts.Waiting(text)
}

// slowly calls f, which may take long and cannot be ended, and waits for it until ctx
// ends. Nobody misses what f does after that: the caller fails, and its process ends.
func slowly[T any](ctx context.Context, s *Store, text string, f func() (T, error)) (T, error) {
	defer s.waiting(func() string { return text })()
	type result struct {
		value T
		err   error
	}
	ended := make(chan result, 1)
	go func() {
		value, err := f()
		ended <- result{value, err}
	}()
	select {
	case r := <-ended:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
