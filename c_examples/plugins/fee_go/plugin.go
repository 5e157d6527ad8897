// The plugin "fee" in Go: the requests, answers and totals of ../fee/README.md, the numbers of tariff v1.
//
// Three files: here the boundary to C, in tariff.go the pricing, in plugin.c the descriptor.
package main

// #include "plugin.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

// One instance. C holds a handle to it.
type fee struct {
	host      unsafe.Pointer
	requests  uint64
	notPriced uint64
}

//export goStart
func goStart(host unsafe.Pointer) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&fee{host: host}))
}

//export goStop
func goStop(self C.uintptr_t) (status C.int32_t) {
	defer contain(&status)
	handle := cgo.Handle(self)
	fee := handle.Value().(*fee)
	handle.Delete()
	// No call runs any more, so the counters can be read as they are.
	line := []byte(fmt.Sprintf("%d requests, %d not priced", fee.requests, fee.notPriced))
	C.fee_log(fee.host, (*C.char)(unsafe.Pointer(&line[0])), C.size_t(len(line)))
	return C.SOGOV_PLUGIN_OK
}

//export goInvoke
func goInvoke(self C.uintptr_t, request unsafe.Pointer, length C.size_t, answer unsafe.Pointer) (status C.int32_t) {
	defer contain(&status)
	fee := cgo.Handle(self).Value().(*fee)
	atomic.AddUint64(&fee.requests, 1)
	line, refusal := price(copied(request, length))
	if refusal != priced {
		atomic.AddUint64(&fee.notPriced, 1)
		return C.int32_t(refusal)
	}
	return C.fee_write(answer, unsafe.Pointer(&line[0]), C.size_t(len(line)))
}

// copied is the request as Go's own memory; of one that is too long, as much as shows that.
func copied(request unsafe.Pointer, length C.size_t) string {
	if length > lineMax {
		length = lineMax + 1
	}
	return C.GoStringN((*C.char)(request), C.int(length))
}

// goHealth prices a request that every tariff must serve.
//
//export goHealth
func goHealth() (status C.int32_t) {
	defer contain(&status)
	if _, refusal := price("amount=1.00 currency=CNY"); refusal != priced {
		return C.SOGOV_PLUGIN_FAILED
	}
	return C.SOGOV_PLUGIN_OK
}

// contain makes a failure of a panic, which must not reach the host: it would end the process.
func contain(status *C.int32_t) {
	if recover() != nil {
		*status = C.SOGOV_PLUGIN_FAILED
	}
}

// A c-shared library has a main, which nobody calls.
func main() {}
