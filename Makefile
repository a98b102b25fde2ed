VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: build demo test fuzz torture lint bench

build:
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o fob .

# The main job against a fake AWS on this computer; demo/run says more.
demo:
	@demo/run

test:
	go test -race -timeout 30m ./...

# Every parser for FUZZTIME. What breaks one is kept in its testdata/fuzz, where
# make test tries it again; so is a small corpus.
FUZZTIME = 30s
fuzz:
	@for package in $$(go list ./...); do \
		go test -list '^Fuzz' $$package | sed -n "s,^Fuzz.*,$$package &,p"; \
	done | xargs -n 2 -P 2 sh -ec 'go test -run "^$$1$$" -fuzz "^$$1$$" -fuzztime $(FUZZTIME) -parallel 1 "$$0"'

# The tests of crowds and kills, for half an hour.
torture:
	TORTURE=1 go test -race -timeout 60m -v -run 'Crowd|Remembered|Interrupted|Kill|FullDisk' .

lint:
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	staticcheck ./...

bench:
	go test -run '^$$' -bench . -benchmem ./...
