// Command bench measures what a call through sogov costs a Go host, over a crossing to C that copies the same request
// and answer. It prints one line of JSON; start it by run.sh.
package main

/*
#cgo CFLAGS: -std=c11 -O2
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The crossing: what a plugin would do without sogov, called as sogov is. It copies the request into memory of its own,
// as the plugin's answer is, and that into the caller's room.
__attribute__((noinline)) static void copy(uint8_t *to, const uint8_t *from, size_t len)
{
    memcpy(to, from, len);
}

static size_t crossing(const uint8_t *request, size_t request_len, uint8_t *room, size_t capacity)
{
    static uint8_t answer[4096];
    if (request_len > sizeof answer || request_len > capacity)
        return 0;
    copy(answer, request, request_len);
    copy(room, answer, request_len);
    return request_len;
}
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

	sogov "sogov.test/hosts"
)

const (
	length = 64
	rounds = 31
	turns  = 50_000
)

func main() {
	directory := os.Getenv("SOGOV_HOSTS")
	engine, err := sogov.Open(filepath.Join(directory, "trust"))
	must(err)
	must(engine.Load("copy", "v1", filepath.Join(directory, "copy-v1.so")))
	must(engine.Promote("copy", "v1"))
	service, err := engine.Service("copy")
	must(err)

	runtime.LockOSThread()
	request, room := bytes.Repeat([]byte{'x'}, length), make([]byte, 0, 2*length)
	call := func() {
		answer, err := service.Call(nil, request, room)
		if err != nil || len(answer.Data) != length {
			panic(fmt.Sprint("a call failed: ", err))
		}
	}
	crossing := func() {
		room := room[:cap(room)]
		if C.crossing((*C.uint8_t)(&request[0]), length, (*C.uint8_t)(&room[0]), C.size_t(len(room))) != length {
			panic("the crossing failed")
		}
	}
	// In turns, so that what disturbs the machine disturbs both.
	var calls, crossings []float64
	for round := 0; round < rounds; round++ {
		calls = append(calls, nanoseconds(call))
		crossings = append(crossings, nanoseconds(crossing))
	}
	ns, baseline := median(calls), median(crossings)
	fmt.Printf("{\"key\": \"call_overhead_go\", \"ns\": %.1f, \"baseline_ns\": %.1f, \"ratio\": %.3f}\n", ns, baseline,
		ns/baseline)
}

func nanoseconds(work func()) float64 {
	begin := time.Now()
	for turn := 0; turn < turns; turn++ {
		work()
	}
	return float64(time.Since(begin).Nanoseconds()) / turns
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
