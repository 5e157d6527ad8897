// A Go runtime in a shared object: PINNED(go) for life; a second one is refused unless allowed by name.
package main

import "C"

//export answer
func answer() C.int {
	return 42
}

func main() {}
