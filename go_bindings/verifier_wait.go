//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

// waiter waits for the verifier's descriptor as Go waits for sockets, so that no thread is held meanwhile.
type waiter struct {
	// Who has put something in waits at the descriptor; the others wait for their turn. A file has one deadline for all.
	turn  chan struct{}
	mutex sync.Mutex
	event *os.File
}

// wait waits for a first result until the context ends or the verifier is closed.
func (v *Verifier) wait(ctx context.Context, results []VerificationResult) (count int, err error) {
	select {
	case v.waiter.turn <- struct{}{}:
		defer func() { <-v.waiter.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-v.closing:
		return 0, closed("verifier")
	}
	event, err := v.waiter.open(v.handle)
	if err != nil {
		return 0, err
	}
	raw, err := event.SyscallConn()
	if err != nil {
		return 0, err
	}
	interrupted := v.interruptible(ctx, event)
	defer interrupted()
	var failed error
	err = raw.Read(func(uintptr) bool {
		count, failed = v.poll(results)
		return count > 0 || failed != nil
	})
	switch {
	case err == nil:
		return count, failed
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return 0, err
	case ctx.Err() != nil:
		return 0, ctx.Err()
	default:
		return 0, closed("verifier")
	}
}

// interruptible ends the wait at the descriptor when the context ends or the verifier is closed; the function that it
// returns makes the descriptor fit for the next one.
func (v *Verifier) interruptible(ctx context.Context, event *os.File) func() {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
		case <-v.closing:
		case <-over:
			return
		}
		// A time that is over. A descriptor in the poller has deadlines, so there is no error.
		_ = event.SetReadDeadline(time.Unix(1, 0))
	}()
	return func() {
		close(over)
		<-ended
		_ = event.SetReadDeadline(time.Time{})
	}
}

// open is the verifier's descriptor, as one of this process's own: the verifier closes its descriptor itself.
func (w *waiter) open(handle *C.sogov_verifier) (*os.File, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.event != nil {
		return w.event, nil
	}
	var fd C.int32_t
	var failed *C.sogov_error
	if err := take(C.sogov_verifier_event_fd(handle, &fd, &failed), &failed); err != nil {
		return nil, err
	}
	own, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, &Error{ErrIO, "verifier: " + errno.Error(), errno}
	}
	// It does not block: the library made it so, and the runtime's poller takes none that does.
	w.event = os.NewFile(own, "sogov-verifier")
	return w.event, nil
}

func (w *waiter) close() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.event != nil {
		_ = w.event.Close()
	}
}
