//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Versions lists the versions of a service, in the order in which they were loaded. It fails with ErrNotFound for a service
// that is not known.
func (e *Engine) Versions(service string) ([]VersionInfo, error) {
	// The library takes an empty name for all services; here it is a mistake.
	if service == "" {
		return nil, badArgument("service: expected a name, found nothing")
	}
	return e.list(service)
}

// AllVersions lists the versions of all services, in the order in which they were loaded.
func (e *Engine) AllVersions() ([]VersionInfo, error) { return e.list("") }

func (e *Engine) list(service string) ([]VersionInfo, error) {
	if err := e.gate.enter("engine"); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	// Versions may come while this asks: until there was room for all.
	for room := 16; ; room *= 2 {
		if infos, err := e.listInto(service, room); infos != nil || err != nil {
			return infos, err
		}
	}
}

// listInto answers nil where there are more versions than there is room for.
func (e *Engine) listInto(service string, room int) ([]VersionInfo, error) {
	var given memory
	defer given.free()
	name, nameLen := given.text(service)
	raw := versionInfos(&given, room)
	var count C.size_t
	var failed *C.sogov_error
	err := take(C.sogov_version_list(e.handle, name, nameLen, raw, C.size_t(room), &count, &failed), &failed)
	if err != nil || int(count) > room {
		return nil, err
	}
	infos := make([]VersionInfo, count)
	for i := range infos {
		infos[i] = versionInfo(&unsafe.Slice(raw, room)[i])
	}
	return infos, nil
}

// versionInfos is room for listings.
func versionInfos(given *memory, count int) *C.sogov_version_info {
	infos := (*C.sogov_version_info)(given.zeroed(count, C.sizeof_sogov_version_info))
	infos.size = C.sizeof_sogov_version_info
	return infos
}

func versionInfo(raw *C.sogov_version_info) VersionInfo {
	return VersionInfo{
		Service: C.GoString(&raw.service[0]), Version: C.GoString(&raw.version[0]), Standing: Standing(raw.standing),
		Development: raw.development != 0, Digest: digestOf(raw.digest), Epoch: uint64(raw.epoch),
		InFlight: uint64(raw.in_flight), Calls: uint64(raw.calls), Failures: uint64(raw.failures),
		PinReason: C.GoString(&raw.pin_reason[0]), Breaker: Breaker(raw.breaker),
		BreakerOpenFor: time.Duration(raw.breaker_open_ms) * time.Millisecond,
		BreakerOpened:  uint64(raw.breaker_opened), Isolated: raw.isolated != 0,
	}
}
