//go:build cgo && linux

package sogov

/*
#include <sogov.h>
#include <stdlib.h>
*/
import "C"

import (
	"runtime/cgo"
	"runtime/debug"
	"time"
	"unsafe"
)

// listener is what an engine's callbacks lead to.
type listener struct {
	log   func(LogLevel, string)
	event func(Event)
}

//export sogovgo_log
func sogovgo_log(context C.uintptr_t, level C.int32_t, message *C.char, length C.size_t) {
	returned := false
	defer guard("Log", &returned)
	cgo.Handle(context).Value().(*listener).log(LogLevel(level), C.GoStringN(message, C.int(length)))
	returned = true
}

//export sogovgo_event
func sogovgo_event(context C.uintptr_t, event *C.sogov_event) {
	returned := false
	defer guard("Event", &returned)
	cgo.Handle(context).Value().(*listener).event(Event{
		Kind:    EventKind(event.kind),
		Service: C.GoStringN(event.service, C.int(event.service_len)),
		Version: C.GoStringN(event.version, C.int(event.version_len)),
		Detail:  C.GoStringN(event.detail, C.int(event.detail_len)),
	})
	returned = true
}

//export sogovgo_results
func sogovgo_results(context C.uintptr_t, results *C.sogov_verification_result, count C.size_t) {
	returned := false
	defer guard("Callback", &returned)
	told := make([]VerificationResult, count)
	for i, result := range unsafe.Slice(results, int(count)) {
		told[i] = VerificationResult{uint64(result.ticket), Status(result.status)}
	}
	cgo.Handle(context).Value().(func([]VerificationResult))(told)
	returned = true
}

//export sogovgo_progress
func sogovgo_progress(context C.uintptr_t, progress *C.sogov_update_progress) (cancels C.int32_t) {
	follower := cgo.Handle(context).Value().(*follower)
	returned := false
	defer func() {
		if reason := recover(); reason != nil {
			follower.panicked, cancels = &panicked{reason, debug.Stack()}, 1
		} else if !returned {
			crash("Progress", exited, debug.Stack())
		}
	}()
	if follower.cancels(progressOf(progress)) {
		cancels = 1
	}
	returned = true
	return cancels
}

// What a callback did that neither returned nor panicked; testing.T.FailNow does it too. Nothing can stop it but the end of the
// program.
const exited = "runtime.Goexit was called"

func guard(what string, returned *bool) {
	if reason := recover(); reason != nil {
		crash(what, reason, debug.Stack())
	} else if !*returned {
		crash(what, exited, debug.Stack())
	}
}

func progressOf(raw *C.sogov_update_progress) UpdateProgress {
	progress := UpdateProgress{
		Step: UpdateStep(raw.step), Phase: UpdatePhase(raw.phase), Share: uint32(raw.share),
		Elapsed: time.Duration(raw.elapsed_ms) * time.Millisecond, Calls: uint64(raw.calls),
		Failures: uint64(raw.failures), Compared: uint64(raw.compared), Mismatched: uint64(raw.mismatched),
		Dropped: uint64(raw.dropped), Message: C.GoStringN(raw.message, C.int(raw.message_len)),
	}
	if mismatch := raw.mismatch; mismatch != nil {
		progress.Mismatch = &UpdateMismatch{
			RequestLen: uint64(mismatch.request_len), ExpectedLen: uint64(mismatch.expected_len),
			FoundLen: uint64(mismatch.found_len), ExpectedStatus: int32(mismatch.expected_status),
			FoundStatus: int32(mismatch.found_status), RequestDigest: digestOf(mismatch.request_digest),
			ExpectedDigest: digestOf(mismatch.expected_digest), FoundDigest: digestOf(mismatch.found_digest),
		}
	}
	return progress
}

func digestOf(raw [32]C.uint8_t) Digest { return *(*Digest)(unsafe.Pointer(&raw)) }
