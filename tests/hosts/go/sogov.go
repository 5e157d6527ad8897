// Package sogov is a small host of sogov in Go, over the C header only: an engine, its services, calls and leases.
//
// Goroutines change their OS thread between two calls into C, so nothing here is tied to a thread: handles and leases
// are numbers that any thread may use, and errors come back with the call that failed.
package sogov

/*
#cgo CFLAGS: -std=c11 -I${SRCDIR}/../../../include
#cgo LDFLAGS: -l:libsogov.so.0
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"fmt"
	"time"
	"unsafe"
)

// Status is a sogov_status.
type Status int32

// The statuses that the tests look at.
const (
	OK            Status = C.SOGOV_STATUS_OK
	Closed        Status = C.SOGOV_STATUS_CLOSED
	NotFound      Status = C.SOGOV_STATUS_NOT_FOUND
	Busy          Status = C.SOGOV_STATUS_BUSY
	Deadlock      Status = C.SOGOV_STATUS_DEADLOCK
	ImageRejected Status = C.SOGOV_STATUS_IMAGE_REJECTED
	LeaseGone     Status = C.SOGOV_STATUS_LEASE_GONE
	PluginFailed  Status = C.SOGOV_STATUS_PLUGIN_FAILED
	PluginCrashed Status = C.SOGOV_STATUS_PLUGIN_CRASHED
)

func (s Status) String() string { return C.GoString(C.sogov_status_name(C.int32_t(s))) }

// Error is why a call failed.
type Error struct {
	Status  Status
	Message string
}

func (e *Error) Error() string { return e.Status.String() + ": " + e.Message }

// StatusOf is the status of an error of this package; OK for nil.
func StatusOf(err error) Status {
	if err == nil {
		return OK
	}
	if failed, ok := err.(*Error); ok {
		return failed.Status
	}
	panic(fmt.Sprintf("not an error of sogov: %v", err))
}

// Engine governs the plugins of a process. Any number of goroutines may use it at once.
type Engine struct{ handle *C.sogov_engine }

// Options are those of an engine.
type Options struct {
	// ContainCrashes has a crash of a plugin end the call instead of the process. Its handlers stay installed; faults of
	// Go's own code go on to Go's.
	ContainCrashes bool
}

// Open opens an engine over a trust directory, without a state directory.
func Open(trustDirectory string, chosen Options) (*Engine, error) {
	path, free := cBytes(trustDirectory)
	defer free()
	// In C's memory: it holds a pointer, and Go's memory must not when it is handed to C.
	options := (*C.sogov_engine_options)(C.calloc(1, C.sizeof_sogov_engine_options))
	defer C.free(unsafe.Pointer(options))
	options.size = C.sizeof_sogov_engine_options
	options.trust_directory, options.trust_directory_len = path, C.size_t(len(trustDirectory))
	if chosen.ContainCrashes {
		options.contain_crashes = 1
	}
	var handle *C.sogov_engine
	var failed *C.sogov_error
	status := C.sogov_engine_open(options, &handle, &failed)
	return &Engine{handle}, take(status, failed)
}

// Close ends the engine; later uses answer Closed.
func (e *Engine) Close() { C.sogov_engine_free(e.handle) }

// Load loads a signed plugin file beside the versions that are there.
func (e *Engine) Load(service, version, path string) error {
	name, freeName := cBytes(service)
	defer freeName()
	label, freeLabel := cBytes(version)
	defer freeLabel()
	file, freeFile := cBytes(path)
	defer freeFile()
	var failed *C.sogov_error
	return take(C.sogov_load_versioned(e.handle, name, C.size_t(len(service)), label, C.size_t(len(version)), file,
		C.size_t(len(path)), nil, nil, &failed), failed)
}

// Promote makes a version the stable one.
func (e *Engine) Promote(service, version string) error {
	name, freeName := cBytes(service)
	defer freeName()
	label, freeLabel := cBytes(version)
	defer freeLabel()
	var failed *C.sogov_error
	return take(C.sogov_promote(e.handle, name, C.size_t(len(service)), label, C.size_t(len(version)), nil, nil,
		&failed), failed)
}

// Rollback takes back the newest exposure.
func (e *Engine) Rollback(service string) error {
	name, free := cBytes(service)
	defer free()
	var failed *C.sogov_error
	return take(C.sogov_rollback(e.handle, name, C.size_t(len(service)), nil, nil, &failed), failed)
}

// Unload waits until nobody is inside a version, for `drain` at most, and unmaps it.
func (e *Engine) Unload(service, version string, drain time.Duration) error {
	name, freeName := cBytes(service)
	defer freeName()
	label, freeLabel := cBytes(version)
	defer freeLabel()
	options := C.sogov_change_options{
		size: C.sizeof_sogov_change_options, drain_ms: C.uint32_t(drain / time.Millisecond),
	}
	var failed *C.sogov_error
	return take(C.sogov_unload(e.handle, name, C.size_t(len(service)), label, C.size_t(len(version)), &options,
		&failed), failed)
}

// VersionInfo is a version as it stood at one moment.
type VersionInfo struct {
	Version                   string
	InFlight, Calls, Failures uint64
	PinReason                 string
}

// Versions lists the versions of a service.
func (e *Engine) Versions(service string) ([]VersionInfo, error) {
	name, free := cBytes(service)
	defer free()
	infos := make([]C.sogov_version_info, 64)
	infos[0].size = C.sizeof_sogov_version_info
	var count C.size_t
	var failed *C.sogov_error
	if err := take(C.sogov_version_list(e.handle, name, C.size_t(len(service)), &infos[0], C.size_t(len(infos)),
		&count, &failed), failed); err != nil {
		return nil, err
	}
	versions := make([]VersionInfo, 0, count)
	for i := 0; i < int(count) && i < len(infos); i++ {
		versions = append(versions, VersionInfo{
			Version: C.GoString(&infos[i].version[0]), InFlight: uint64(infos[i].in_flight),
			Calls: uint64(infos[i].calls), Failures: uint64(infos[i].failures),
			PinReason: C.GoString(&infos[i].pin_reason[0]),
		})
	}
	return versions, nil
}

// Service is where requests go in. Any number of goroutines may use it at once.
type Service struct {
	handle *C.sogov_service
	// The handle again: of a pointer cgo would look, in each call, whether it leads to memory of Go's.
	number C.uintptr_t
}

// Service looks a service up.
func (e *Engine) Service(name string) (*Service, error) {
	text, free := cBytes(name)
	defer free()
	var handle *C.sogov_service
	var failed *C.sogov_error
	status := C.sogov_service_open(e.handle, text, C.size_t(len(name)), &handle, &failed)
	return &Service{handle, C.uintptr_t(uintptr(unsafe.Pointer(handle)))}, take(status, failed)
}

// Close frees the handle.
func (s *Service) Close() { C.sogov_service_free(s.handle) }

// CallInfo says what became of a call. One may serve for any number of calls, one after the other.
type CallInfo struct{ raw C.sogov_call_info }

// PluginStatus is what the plugin's invoke returned; 0 when it was not reached.
func (i *CallInfo) PluginStatus() int32 { return int32(i.raw.plugin_status) }

// Version is the label of the version that answered, or failed; empty when none was reached.
func (i *CallInfo) Version() string { return C.GoString(&i.raw.version[0]) }

// Call sends a request through the version that the route policy picks, and returns the answer: in the capacity of
// `room`, which must not overlap `request`, where it fits there. After a failure it is what the plugin had written.
// `info` receives what became of the call, also when it failed; or is nil.
func (s *Service) Call(userKey, request, room []byte, info *CallInfo) ([]byte, error) {
	var raw *C.sogov_call_info
	if info != nil {
		info.raw.size = C.sizeof_sogov_call_info
		raw = &info.raw
	}
	r := C.bridge_call(s.number, first(userKey), C.size_t(len(userKey)), first(request), C.size_t(len(request)),
		first(room[:cap(room)]), C.size_t(cap(room)), raw)
	answer := room[:0]
	if r.longer == nil {
		answer = room[:r.len]
	} else {
		answer = C.GoBytes(unsafe.Pointer(r.longer.data), C.int(r.len))
		C.bridge_free(r.longer)
	}
	if r.status != C.SOGOV_STATUS_OK {
		return answer, take(uint32(r.status), r.error)
	}
	return answer, nil
}

// Route picks a version and hands out a lease on it.
func (s *Service) Route() (Lease, error) {
	var lease C.sogov_lease
	var failed *C.sogov_error
	status := C.sogov_route(s.handle, nil, &lease, &failed)
	return Lease(lease), take(status, failed)
}

// Lease is the right to call into one version. Any goroutine, on any thread, may use it, and release it once.
type Lease uint64

// Version is the label of the version that the lease is on.
func (l Lease) Version() (string, error) {
	var label [C.SOGOV_LABEL_SIZE]C.char
	var failed *C.sogov_error
	if err := take(C.sogov_lease_version(C.sogov_lease(l), &label[0], &failed), failed); err != nil {
		return "", err
	}
	return C.GoString(&label[0]), nil
}

// Release gives the lease back; `ok` is whether the calls under it went well.
func (l Lease) Release(ok bool) error {
	outcome := C.uint32_t(C.SOGOV_OUTCOME_FAILURE)
	if ok {
		outcome = C.SOGOV_OUTCOME_SUCCESS
	}
	var failed *C.sogov_error
	return take(C.sogov_lease_release(C.sogov_lease(l), outcome, &failed), failed)
}

// take makes an error of a status and frees the C one.
func take(status uint32, failed *C.sogov_error) error {
	if status == C.SOGOV_STATUS_OK {
		return nil
	}
	defer C.sogov_error_free(failed)
	return &Error{Status(status), C.GoString(C.sogov_error_message(failed))}
}

// cBytes is a text in C's memory.
func cBytes(text string) (*C.char, func()) {
	copied := C.CString(text)
	return copied, func() { C.free(unsafe.Pointer(copied)) }
}

// first is where a slice begins. Its elements hold no pointers, so cgo has nothing to check.
func first(bytes []byte) *C.uint8_t {
	if len(bytes) == 0 {
		return nil
	}
	return (*C.uint8_t)(&bytes[0])
}
