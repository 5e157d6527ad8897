//go:build cgo && linux

package sogov

/*
#cgo CFLAGS: -std=c11 -O2
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"fmt"
	"math"
	"time"
	"unsafe"
)

// memory is C's memory that lives as long as a call: what it points at may stand in C's structs, as Go's memory may not.
type memory struct{ blocks []unsafe.Pointer }

func (m *memory) free() {
	for _, block := range m.blocks {
		C.free(block)
	}
}

// zeroed is memory for a struct, or for an array of them.
func (m *memory) zeroed(count int, size C.size_t) unsafe.Pointer {
	block := C.calloc(C.size_t(count), size)
	if block == nil {
		panic("sogov: out of memory")
	}
	m.blocks = append(m.blocks, block)
	return block
}

// text is a copy of a text; (NULL, 0) of the empty one.
func (m *memory) text(text string) (*C.char, C.size_t) {
	if text == "" {
		return nil, 0
	}
	copied := C.CString(text)
	m.blocks = append(m.blocks, unsafe.Pointer(copied))
	return copied, C.size_t(len(text))
}

// userID is a copy of a user id; NULL of nil, which stands for the default, and not NULL of an empty one.
func (m *memory) userID(id []byte) (*C.uint8_t, C.size_t) {
	if id == nil {
		return nil, 0
	}
	copied := m.zeroed(len(id)+1, 1)
	copy(unsafe.Slice((*byte)(copied), len(id)), id)
	return (*C.uint8_t)(copied), C.size_t(len(id))
}

// first is where a slice begins. Its elements hold no pointers, so cgo has nothing to check.
func first(bytes []byte) *C.uint8_t {
	if len(bytes) == 0 {
		return nil
	}
	return (*C.uint8_t)(&bytes[0])
}

// firstOf is where a string begins: the first word of a string is the address of its bytes. (unsafe.StringData is of Go 1.20.)
func firstOf(text string) *C.uint8_t {
	if text == "" {
		return nil
	}
	return *(**C.uint8_t)(unsafe.Pointer(&text))
}

// userIDLen is the length of a user id as bridge.h has it: negative for nil.
func userIDLen(id []byte) C.ptrdiff_t {
	if id == nil {
		return -1
	}
	return C.ptrdiff_t(len(id))
}

// packed are slices one behind the other, with a length for each, so that they cross without a pointer in memory.
type packed struct {
	bytes   []byte
	lengths []C.ptrdiff_t
}

func (p *packed) add(part []byte) {
	p.bytes = append(p.bytes, part...)
	p.lengths = append(p.lengths, C.ptrdiff_t(len(part)))
}

func (p *packed) addUserID(id []byte) {
	p.bytes = append(p.bytes, id...)
	p.lengths = append(p.lengths, userIDLen(id))
}

// take makes an error of a status and frees the C one. It is given the place of the C one, since the language leaves open
// whether a variable is read before or after the call beside it that writes it.
func take(status uint32, failed **C.sogov_error) error {
	if status == C.SOGOV_STATUS_OK {
		return nil
	}
	return taken(status, *failed)
}

func taken(status uint32, failed *C.sogov_error) *Error {
	defer C.sogov_error_free(failed)
	return &Error{Status: Status(status), Message: C.GoString(C.sogov_error_message(failed))}
}

// milliseconds is a duration as the library takes it, rounded up, so that a short time is not none.
func milliseconds(duration time.Duration, what string) (C.uint32_t, error) {
	count := roundedUp(duration, time.Millisecond)
	if duration < 0 || count > math.MaxUint32 {
		return 0, badArgument("%s: expected 0 to %d ms, found %v", what, uint32(math.MaxUint32), duration)
	}
	return C.uint32_t(count), nil
}

// roundedUp is how many units there are in a duration; no sum that the longest one would overflow.
func roundedUp(duration, unit time.Duration) time.Duration {
	count := duration / unit
	if duration%unit > 0 {
		count++
	}
	return count
}

// flag is 1 for true.
func flag(is bool) C.uint32_t {
	if is {
		return 1
	}
	return 0
}

// crash ends the program with a panic of a callback: it must not unwind the library's frames, where the host could recover
// from it with the library's locks held.
func crash(what string, reason interface{}, stack []byte) {
	go panic(fmt.Sprintf("sogov: panic in the callback %s: %v\n\n%s", what, reason, stack))
	select {}
}
