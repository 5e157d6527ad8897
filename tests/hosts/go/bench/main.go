// Command bench measures what a call through sogov costs a Go host, over a crossing to C that sends the same request to
// the same function through a bare pointer and copies its answer. It prints one line of JSON; start it by run.sh.
package main

/*
#cgo CFLAGS: -std=c11 -O2 -I${SRCDIR}/../../../../include
#include <stdlib.h>
#include "crossing.h"
*/
import "C"

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"time"
	"unsafe"

	"sogov.internal/sogov"
)

const (
	length = 64
	// Many short rounds: most of them are not interrupted, however busy the machine is.
	rounds = 501
	turns  = 4_000
)

func main() {
	directory := os.Getenv("SOGOV_HOSTS")
	engine, err := sogov.Open(&sogov.EngineOptions{TrustDirectory: filepath.Join(directory, "trust")})
	must(err)
	_, err = engine.Load("copy", "v1", filepath.Join(directory, "copy-v1.so"), nil)
	must(err)
	_, err = engine.Promote("copy", "v1", nil)
	must(err)
	service, err := engine.Service("copy")
	must(err)

	path := C.CString(filepath.Join(directory, "copy-v1.so"))
	defer C.free(unsafe.Pointer(path))
	if C.crossing_open(path) != 0 {
		panic("the plugin cannot be loaded")
	}

	runtime.LockOSThread()
	request, room := bytes.Repeat([]byte{'x'}, length), make([]byte, 2*length)
	var answer sogov.Answer
	call := func() {
		err := service.CallInto(&answer, request, nil)
		if err != nil || len(answer.Data) != length {
			panic(fmt.Sprint("a call failed: ", err))
		}
	}
	crossing := func() {
		if crossing(request, room) != length {
			panic("the crossing failed")
		}
	}
	// In turns, so that what disturbs the machine disturbs both.
	var calls, crossings []float64
	for round := 0; round < rounds; round++ {
		calls = append(calls, nanoseconds(call))
		crossings = append(crossings, nanoseconds(crossing))
	}
	report("call_overhead_go", calls, crossings)
}

// report prints the medians, and the least that each took.
func report(key string, calls, crossings []float64) {
	sort.Float64s(calls)
	sort.Float64s(crossings)
	ns, baseline := calls[rounds/2], crossings[rounds/2]
	fmt.Printf(`{"key": "%s", "ns": %.1f, "baseline_ns": %.1f, "over_ns": %.1f, "ratio": %.3f, "least": [%.1f, %.1f]}`+"\n",
		key, ns, baseline, ns-baseline, ns/baseline, calls[0], crossings[0])
}

// crossing is what a host would have in the place of Service.Call.
func crossing(request, room []byte) int {
	return int(C.crossing((*C.uint8_t)(&request[0]), C.size_t(len(request)), (*C.uint8_t)(&room[0]),
		C.size_t(len(room))))
}

func nanoseconds(work func()) float64 {
	begin := time.Now()
	for turn := 0; turn < turns; turn++ {
		work()
	}
	return float64(time.Since(begin).Nanoseconds()) / turns
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
