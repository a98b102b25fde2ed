VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: build demo test torture lint bench

build:
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o fob .

# The main job against a fake AWS on this computer; demo/run says more.
demo:
	@demo/run

test:
	go test -race -timeout 30m ./...

# The tests of crowds and kills, for half an hour.
torture:
	TORTURE=1 go test -race -timeout 60m -v -run 'Crowd|Remembered|Interrupted|Kill|FullDisk' .

lint:
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	staticcheck ./...

bench:
	go test -run '^$$' -bench . -benchmem ./...
