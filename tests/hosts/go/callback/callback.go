// Package callback gives plugins a C function to call back into Go by (the zoo's plugin "reentrant").
package callback

/*
#include <stdint.h>
extern int32_t callbackRun(uintptr_t);
*/
import "C"

import (
	"encoding/binary"
	"sync"
	"unsafe"
)

var (
	mutex     sync.Mutex
	functions = map[uintptr]func() int32{}
	next      uintptr
)

// Request is the request that makes "reentrant" run `function` once, on the thread of the call, and answer with what
// it returns.
func Request(function func() int32) []byte {
	mutex.Lock()
	defer mutex.Unlock()
	next++
	functions[next] = function
	request := make([]byte, 16)
	binary.LittleEndian.PutUint64(request, uint64(uintptr(unsafe.Pointer(C.callbackRun))))
	binary.LittleEndian.PutUint64(request[8:], uint64(next))
	return request
}

//export callbackRun
func callbackRun(context C.uintptr_t) C.int32_t {
	mutex.Lock()
	function := functions[uintptr(context)]
	delete(functions, uintptr(context))
	mutex.Unlock()
	return C.int32_t(function())
}
