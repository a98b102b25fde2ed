// Command read prints the file that it is given: what a Go program costs.
package main

import "os"

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(text)
}
