//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import "unsafe"

// Version is the label of the version that the lease is on. It fails with ErrLeaseGone after the release.
func (l Lease) Version() (string, error) {
	var label [C.SOGOV_LABEL_SIZE]C.char
	var failed *C.sogov_error
	if err := take(C.sogov_lease_version(C.sogov_lease(l.number), &label[0], &failed), &failed); err != nil {
		return "", err
	}
	return C.GoString(&label[0]), nil
}

// Symbol is the address of a symbol that the version exports, function or data. It may be used until the lease is released,
// which nothing checks; look it up again under each lease. Go calls such a function through C: a small function in a cgo
// preamble takes the address and calls it.
//
// symbolVersion is one of several, such as "FEE_1.0"; "" is the default one. It fails with ErrNotFound when the version exports
// no such symbol, and with ErrLeaseGone.
func (l Lease) Symbol(name, symbolVersion string) (unsafe.Pointer, error) {
	var given memory
	defer given.free()
	text, textLen := given.text(name)
	version, versionLen := given.text(symbolVersion)
	var address unsafe.Pointer
	var failed *C.sogov_error
	err := take(C.sogov_lease_symbol(C.sogov_lease(l.number), text, textLen, version, versionLen, &address, &failed),
		&failed)
	return address, err
}

// Plugin is the address of a level-1 plugin's descriptor (a sogov_plugin of sogov_plugin.h) and the pointer that its functions
// take. Both may be used until the lease is released. It fails with ErrUnsupported for a level-0 plugin and an isolated one,
// and with ErrLeaseGone.
func (l Lease) Plugin() (descriptor, self unsafe.Pointer, err error) {
	var plugin *C.struct_sogov_plugin
	var failed *C.sogov_error
	err = take(C.sogov_lease_plugin(C.sogov_lease(l.number), &plugin, &self, &failed), &failed)
	return unsafe.Pointer(plugin), self, err
}

// Release gives the lease back and says how the calls under it went, which counts for the version. It fails with ErrLeaseGone
// the second time.
func (l Lease) Release(outcome Outcome) error {
	r := C.bridge_release(C.uint64_t(l.number), C.uint32_t(outcome))
	return take(r.status, &r.error)
}
