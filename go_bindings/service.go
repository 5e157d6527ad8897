//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// More headers than this are refused.
const maxHeaders = C.BRIDGE_HEADERS

// Service is where requests go in: look it up once and use it for every request. Any number of goroutines may use it at once.
type Service struct {
	name string
	// The handle as a number: of a pointer cgo would look, in each call, whether it leads to memory of Go's.
	number C.uintptr_t
	closed atomic.Bool
	// An engine lives as long as one of its services is referred to.
	engine *Engine
}

// Service looks a service up; one that has no version yet comes into being. The name is 1 to 64 characters out of A-Z a-z 0-9
// . _ -, without a dot in front. It fails with ErrLimitExceeded beyond 4,096 services.
func (e *Engine) Service(name string) (*Service, error) {
	if err := e.gate.enter("engine"); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	var given memory
	defer given.free()
	text, length := given.text(name)
	var handle *C.sogov_service
	var failed *C.sogov_error
	if err := take(C.sogov_service_open(e.handle, text, length, &handle, &failed), &failed); err != nil {
		return nil, err
	}
	service := &Service{name: name, number: C.uintptr_t(uintptr(unsafe.Pointer(handle))), engine: e}
	// Not freed by Close: the library takes no notice of a handle that is freed in the middle of a call, but its number may
	// come to stand for another service between a goroutine's look at it and its call. Whoever uses it keeps the service
	// alive, so nobody does when this runs; calls need no count, which all threads would write to.
	runtime.SetFinalizer(service, func(service *Service) { C.sogov_service_free(handle) })
	return service, nil
}

// Name is the service's name.
func (s *Service) Name() string { return s.name }

// Close ends this way to the service, which goes on itself: later calls fail with ErrClosed. Calls in flight and leases that
// were taken stay good, and are not waited for. A second time it does nothing. The error is nil.
func (s *Service) Close() error {
	s.closed.Store(true)
	return nil
}

// Call sends one request through the version that the route policy picks: route, lease, invoke, outcome and release in one
// step, for level-1 plugins (sogov_plugin.h). A nil request says nothing to the route policy. The answer says what became of
// the call also when it failed.
//
// It fails with ErrPluginFailed when the plugin's invoke returned another number than 0, which counts as the version's failure,
// with ErrNoVersion while the service has no stable version, with ErrBreakerOpen, with ErrUnsupported for a level-0 plugin, and
// with ErrClosed after its engine was closed. A call cannot be interrupted.
func (s *Service) Call(input []byte, request *Request) (Answer, error) {
	var answer Answer
	err := s.CallInto(&answer, input, request)
	return answer, err
}

// CallInto is Call into an answer whose memory is used again, so that nothing is allocated while it suffices. Neither input
// nor the request may lie in that memory, and one goroutine may use an answer at a time.
func (s *Service) CallInto(answer *Answer, input []byte, request *Request) error {
	if s.closed.Load() {
		answer.empty()
		return closed("service")
	}
	room := answer.Data[:cap(answer.Data)]
	label := (*C.char)(unsafe.Pointer(&answer.label))
	var userKey string
	if request != nil {
		userKey = request.UserKey
	}
	var r C.bridge_answer
	if request == nil || len(request.Headers) == 0 {
		r = C.bridge_call(s.number, firstOf(userKey), C.size_t(len(userKey)), first(input), C.size_t(len(input)),
			first(room), C.size_t(len(room)), label)
	} else {
		headers, err := request.headers()
		if err != nil {
			answer.empty()
			return err
		}
		r = C.bridge_call_with(s.number, firstOf(userKey), C.size_t(len(userKey)), first(headers.bytes),
			headers.first(), headers.count(), first(input), C.size_t(len(input)), first(room), C.size_t(len(room)),
			label)
	}
	runtime.KeepAlive(s)
	if r.longer == nil {
		answer.Data = room[:r.len]
	} else {
		// Not C.GoBytes, whose length is an int.
		answer.Data = append([]byte(nil), unsafe.Slice((*byte)(r.longer.data), int(r.len))...)
		C.bridge_free(r.longer)
	}
	answer.Reason, answer.PluginStatus = RouteReason(r.reason), int32(r.plugin_status)
	answer.takeVersion()
	if r.status != C.SOGOV_STATUS_OK {
		return taken(r.status, r.error)
	}
	return nil
}

// Route picks the version for one request and hands out a lease on it: for level-0 plugins, and for who calls a descriptor
// itself. It never waits for promotions, rollbacks or loads. Its errors are those of Call, and ErrLimitExceeded beyond 65,536
// leases in flight.
func (s *Service) Route(request *Request) (Lease, error) {
	if s.closed.Load() {
		return Lease{}, closed("service")
	}
	if request == nil {
		request = &Request{}
	}
	headers, err := request.headers()
	if err != nil {
		return Lease{}, err
	}
	userKey := request.UserKey
	r := C.bridge_route(s.number, firstOf(userKey), C.size_t(len(userKey)), first(headers.bytes), headers.first(),
		headers.count())
	runtime.KeepAlive(s)
	return Lease{uint64(r.value)}, take(r.status, &r.error)
}

// empty is what an answer says where nothing was asked.
func (a *Answer) empty() {
	a.Data, a.Version, a.Reason, a.PluginStatus = a.Data[:0], "", ReasonNone, 0
}

// takeVersion reads the label; most often it is that of the call before.
func (a *Answer) takeVersion() {
	length := 0
	for a.label[length] != 0 {
		length++
	}
	if a.Version != string(a.label[:length]) {
		a.Version = string(a.label[:length])
	}
}

// headers are names and values one behind the other, with a length for each.
type headers struct {
	bytes   []byte
	lengths []C.size_t
}

func (h *headers) first() *C.size_t {
	if len(h.lengths) == 0 {
		return nil
	}
	return &h.lengths[0]
}

func (h *headers) count() C.size_t { return C.size_t(len(h.lengths) / 2) }

func (r *Request) headers() (crossing headers, err error) {
	if len(r.Headers) == 0 {
		return crossing, nil
	}
	if len(r.Headers) > maxHeaders {
		return crossing, &Error{Status: ErrLimitExceeded, Message: "request: expected at most 64 headers"}
	}
	size := 0
	for _, header := range r.Headers {
		size += len(header.Name) + len(header.Value)
	}
	crossing = headers{make([]byte, 0, size), make([]C.size_t, 0, 2*len(r.Headers))}
	for _, header := range r.Headers {
		crossing.bytes = append(append(crossing.bytes, header.Name...), header.Value...)
		crossing.lengths = append(crossing.lengths, C.size_t(len(header.Name)), C.size_t(len(header.Value)))
	}
	return crossing, nil
}
