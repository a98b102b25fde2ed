// Package rotate replaces an access key in AWS and in the store.
//
// Each step is written into the store before it is taken, so that the next run
// continues where a killed process stopped. No secret of a key that AWS has created exists
// only in memory for longer than it takes to store it.
package rotate
