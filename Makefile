VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: build demo test fuzz torture mutate wine lint bench

# The macOS keychain needs cgo. On other systems cgo only adds libc, and every start
# takes half as long again.
OUT = fob
build:
	CGO_ENABLED=$(if $(filter Darwin,$(shell uname -s)),1,0) go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(OUT) .

# fob's main job against a fake AWS on this computer; see demo/run.
demo:
	@demo/run

# The root package and keyring take most of the time, so they start first.
test:
	go test -race -timeout 30m . ./keyring ./...

# Fuzz every parser for FUZZTIME. An input that breaks one is saved in the package's
# testdata/fuzz: commit it. make test replays what is there, also a small corpus.
FUZZTIME = 30s
fuzz:
	@for package in $$(go list ./...); do \
		go test -list '^Fuzz' $$package | sed -n "s,^Fuzz.*,$$package &,p"; \
	done | xargs -P 2 -I {} sh -c '.ci/fuzz {} $(FUZZTIME)'

# The tests of crowds, kills and faults many times over: an hour or two.
torture:
	TORTURE=1 go test -timeout 90m -v -run 'Faults|Crowd|Many|Kill|AtOnce|PowerCut' ./keyring/...
	go test -race -timeout 30m -count 20 -run 'Many|Killed' ./internal/broker
	TORTURE=1 go test -timeout 60m -v -run Differential ./internal/doctor
	TORTURE=1 go test -race -timeout 120m -v -run 'Crowd|Remembered|Interrupted|Kill|FullDisk|Model' .

# On Windows: the store (parallel use, kills, damage, names, the Credential Manager).
# wine is too slow for a thousand items and has no Python for the format page's example.
# What SDKs and shells make of the lines that fob writes; wine has no PowerShell, and its
# for does less.
# Then the other packages and the program; wine is also too slow for broker's crowds.
wine:
	GOOS=windows CGO_ENABLED=0 go test -timeout 20m -exec '$(CURDIR)/.ci/wine' -skip 'Thousand|FormatPage' ./keyring/...
	GOOS=windows CGO_ENABLED=0 go test -timeout 10m -exec '$(CURDIR)/.ci/wine' -skip 'PowerShell|EvaluateFor' ./internal/cmdline ./internal/wire ./internal/format
	GO_REMOVES=1 GOOS=windows CGO_ENABLED=0 go test -timeout 10m -exec '$(CURDIR)/.ci/wine' ./internal/awsconfig ./internal/awsvault ./internal/creds ./internal/helper ./internal/host \
		./internal/iam ./internal/input ./internal/lastfail ./internal/mfa ./internal/plan ./internal/prompt ./internal/settings ./internal/source ./internal/term .
	GO_REMOVES=1 GOOS=windows CGO_ENABLED=0 go test -timeout 10m -exec '$(CURDIR)/.ci/wine' -run 'Credentials|NotKept|Process$$|ReplacedKey|RenewEarly' ./internal/broker

lint:
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	staticcheck ./...

bench:
	go test -run '^$$' -bench . -benchmem ./...
