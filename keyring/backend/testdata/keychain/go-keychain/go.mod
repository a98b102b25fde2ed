module github.com/99designs/go-keychain

go 1.26
