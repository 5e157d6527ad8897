//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"runtime/cgo"
	"runtime/debug"
	"unsafe"
)

// RegisterScheme registers a signature scheme in this process, or replaces one of the same name ("x-" and 1 to 30 of
// a-z 0-9 . - _) and number (128 to 254, the same for as long as signatures are to be valid). Calls that verify meanwhile end by
// the scheme that they began with. For plugins it counts only where the signed trust document names it.
//
// It fails with ErrInvalidArgument for another name or number, or without Verify, and with ErrBusy when the name has another
// number, or the number another name.
func RegisterScheme(name string, number uint8, scheme Scheme) error {
	if scheme.Verify == nil {
		return badArgument("Verify: expected a function, found nil")
	}
	var given memory
	defer given.free()
	raw, length := given.text(name)
	context := cgo.NewHandle(&scheme)
	r := C.bridge_register(raw, length, C.uint32_t(number), C.uintptr_t(context), C.bool(scheme.Sign != nil))
	err := take(r.status, &r.error)
	if err != nil {
		context.Delete()
	}
	return err
}

// UnregisterScheme removes a scheme that was registered; later verifications by it fail with ErrUnsupported. It fails with
// ErrNotFound when it is not registered.
func UnregisterScheme(name string) error {
	var given memory
	defer given.free()
	raw, length := given.text(name)
	var failed *C.sogov_error
	return take(C.sogov_scheme_unregister(raw, length, &failed), &failed)
}

//export sogovgo_scheme_verify
func sogovgo_scheme_verify(context C.uintptr_t, key *C.uint8_t, keyLen C.size_t, message *C.uint8_t, messageLen C.size_t,
	signature *C.uint8_t, signatureLen C.size_t) (valid C.int32_t) {
	returned := false
	defer contain("Verify", &returned, &valid)
	scheme := cgo.Handle(context).Value().(*Scheme)
	if scheme.Verify(bytesOf(key, keyLen), bytesOf(message, messageLen), bytesOf(signature, signatureLen)) {
		valid = 1
	}
	returned = true
	return valid
}

//export sogovgo_scheme_sign
func sogovgo_scheme_sign(context C.uintptr_t, key *C.uint8_t, keyLen C.size_t, message *C.uint8_t, messageLen C.size_t,
	place *C.uint8_t, length *C.size_t) (made C.int32_t) {
	returned := false
	defer contain("Sign", &returned, &made)
	scheme := cgo.Handle(context).Value().(*Scheme)
	signature, err := scheme.Sign(bytesOf(key, keyLen), bytesOf(message, messageLen))
	if err == nil && C.size_t(len(signature)) <= *length {
		copy(unsafe.Slice((*byte)(place), int(*length)), signature)
		*length, made = C.size_t(len(signature)), 1
	}
	returned = true
	return made
}

//export sogovgo_scheme_release
func sogovgo_scheme_release(context C.uintptr_t) { cgo.Handle(context).Delete() }

// contain makes of a panic a signature that is not valid, or that could not be made.
func contain(what string, returned *bool, answer *C.int32_t) {
	if recover() != nil {
		*answer = 0
	} else if !*returned {
		crash(what, exited, debug.Stack())
	}
}

// bytesOf is a copy: what a function of the host's keeps must not change.
func bytesOf(first *C.uint8_t, length C.size_t) []byte {
	return append([]byte{}, unsafe.Slice((*byte)(first), int(length))...)
}
