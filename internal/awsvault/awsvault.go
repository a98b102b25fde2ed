// Package awsvault reads the keys that aws-vault has stored. It changes none of them.
package awsvault
