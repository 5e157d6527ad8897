//go:build cgo && linux

package sogov

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"context"
	"math"
	"runtime"
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"
)

// Verifier is a pool of threads that verifies signatures in the background. Tickets go in by Submit, from any number of
// goroutines, and each comes back once, in any order: by VerifierOptions.Callback, or by Poll.
type Verifier struct {
	gate   gate
	handle *C.sogov_verifier
	// Results that nobody had polled at the end.
	dropped *int
	closing chan struct{}
	waiter  waiter
	once    sync.Once
}

// OpenVerifier opens a verifier and starts its threads; nil options are the defaults. It fails with ErrInvalidArgument for a
// number beyond its limit.
func OpenVerifier(options *VerifierOptions) (*Verifier, error) {
	if options == nil {
		options = &VerifierOptions{}
	}
	wait := roundedUp(options.MaxWait, time.Microsecond)
	if options.MaxWait < 0 || wait > math.MaxUint32 {
		return nil, badArgument("MaxWait: expected 0 to 1s, found %v", options.MaxWait)
	}
	var given memory
	defer given.free()
	raw := (*C.sogov_verifier_options)(given.zeroed(1, C.sizeof_sogov_verifier_options))
	raw.size = C.sizeof_sogov_verifier_options
	raw.threads, raw.max_wait_us = C.uint32_t(options.Threads), C.uint32_t(wait)
	raw.capacity = C.size_t(options.Capacity)
	forget := func() {}
	if options.Callback != nil {
		called := (*C.bridge_listener)(C.calloc(1, C.sizeof_bridge_listener))
		context := cgo.NewHandle(options.Callback)
		called.context = C.uintptr_t(context)
		C.bridge_collect(raw, called)
		forget = func() {
			context.Delete()
			C.free(unsafe.Pointer(called))
		}
	}
	var handle *C.sogov_verifier
	var failed *C.sogov_error
	if err := take(C.sogov_verifier_open(raw, &handle, &failed), &failed); err != nil {
		forget()
		return nil, err
	}
	verifier := &Verifier{handle: handle, dropped: new(int), closing: make(chan struct{})}
	verifier.waiter.turn = make(chan struct{}, 1)
	dropped := verifier.dropped
	verifier.gate.open(func() {
		*dropped = int(C.sogov_verifier_free(handle))
		forget()
	})
	// Ending waits for tickets, for which other finalizers should not wait.
	runtime.SetFinalizer(verifier, func(verifier *Verifier) { go verifier.end() })
	return verifier, nil
}

// Submit hands in a signature to be verified. It does not wait, and copies what it is given. The ticket comes back with the
// result; it is any number. The item's message is at most 16 MiB long; Verify takes longer ones.
//
// It fails with ErrBusy when as many tickets are in flight as may be: poll results, or try again later. With ErrClosed after
// Finish or Close, and with ErrLimitExceeded for a message that is longer, or that there is no memory for.
func (v *Verifier) Submit(item Verification, ticket uint64, options *SignatureOptions) error {
	if item.Key == nil {
		return badArgument("key: expected one, found nil")
	}
	if err := v.gate.enter("verifier"); err != nil {
		return err
	}
	defer v.gate.leave()
	key := item.Key.held()
	if err := key.gate.enter("key"); err != nil {
		return err
	}
	defer key.gate.leave()
	userID, encoding := options.parts()
	r := C.bridge_submit(C.uintptr_t(uintptr(unsafe.Pointer(v.handle))), C.uint64_t(ticket), key.number(),
		first(item.Message), C.size_t(len(item.Message)), first(item.Signature), C.size_t(len(item.Signature)),
		first(item.UserID), userIDLen(item.UserID), first(userID), userIDLen(userID), encoding)
	return take(r.status, &r.error)
}

// Poll takes results, as many as there are and as there is room for; where there is none it waits for one until the context
// ends, whose error it returns then. A waiting goroutine holds no thread.
//
// It fails with ErrClosed when no result will come any more: after Finish, when every result was polled, or after Close. With
// ErrInvalidArgument without room for a result, or for a verifier with a callback.
func (v *Verifier) Poll(ctx context.Context, results []VerificationResult) (int, error) {
	if err := v.gate.enter("verifier"); err != nil {
		return 0, err
	}
	defer v.gate.leave()
	if count, err := v.poll(results); count > 0 || err != nil {
		return count, err
	}
	return v.wait(ctx, results)
}

// Finish takes no more tickets, and waits until every ticket that was accepted has its result: handed to the callback, which
// has returned, or ready to be polled. Polling goes on until it answers ErrClosed. A second time it waits for the same. A
// context that ends, ends the wait, and not what it waits for.
//
// It fails with ErrDeadlock inside of a callback of any verifier.
func (v *Verifier) Finish(ctx context.Context) error {
	if C.bridge_inside(0) {
		return insideCallback()
	}
	if err := v.gate.enter("verifier"); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		v.gate.leave()
		return err
	}
	finished := make(chan error, 1)
	go func() {
		defer v.gate.leave()
		var failed *C.sogov_error
		finished <- take(C.sogov_verifier_close(v.handle, &failed), &failed)
	}()
	select {
	case err := <-finished:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close finishes, ends the threads, and wakes whoever polls. Results that nobody had polled are dropped: it returns a
// *DroppedError then. A second time it does nothing. It fails with ErrDeadlock inside of a callback of any verifier.
func (v *Verifier) Close() error {
	if C.bridge_inside(0) {
		return insideCallback()
	}
	if !v.end() {
		return nil
	}
	if *v.dropped > 0 {
		return &DroppedError{*v.dropped}
	}
	return nil
}

// end is whether this was the first time.
func (v *Verifier) end() bool {
	if v.dropped == nil || !v.gate.close() {
		v.gate.wait()
		return false
	}
	close(v.closing)
	v.gate.wait()
	v.waiter.close()
	runtime.SetFinalizer(v, nil)
	return true
}

func (v *Verifier) poll(results []VerificationResult) (int, error) {
	raw := make([]C.sogov_verification_result, len(results))
	var place *C.sogov_verification_result
	if len(raw) > 0 {
		place = &raw[0]
	}
	var count C.size_t
	var failed *C.sogov_error
	if err := take(C.sogov_verifier_poll(v.handle, place, C.size_t(len(raw)), 0, &count, &failed), &failed); err != nil {
		return 0, err
	}
	for i := range raw[:count] {
		results[i] = VerificationResult{uint64(raw[i].ticket), Status(raw[i].status)}
	}
	return int(count), nil
}

func insideCallback() error {
	return &Error{Status: ErrDeadlock, Message: "verifier: expected to be closed outside of callbacks"}
}
