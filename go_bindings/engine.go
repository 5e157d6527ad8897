//go:build cgo && linux

package sogov

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"runtime/cgo"
	"unsafe"
)

// Engine governs the plugins of a process; usually there is one. Any number of goroutines may use it at once.
type Engine struct {
	gate   gate
	handle *C.sogov_engine
	// Stands for the engine in its callbacks.
	owner C.uintptr_t
}

// Open opens an engine; nil options make one that can only sign and verify messages. With a state directory, the last
// stable version of every service is verified again, loaded and put back into service; one that is refused is logged.
//
// It fails with ErrTrustInvalid or ErrExpired for an unsound trust directory, and with ErrIO or ErrNotFound for directories
// that cannot be opened.
func Open(options *EngineOptions) (*Engine, error) {
	if err := rightLibrary(); err != nil {
		return nil, err
	}
	if options == nil {
		options = &EngineOptions{}
	}
	var given memory
	defer given.free()
	raw, err := options.raw(&given)
	if err != nil {
		return nil, err
	}
	if key := options.ReceiptKey; key != nil {
		if err := key.gate.enter("key"); err != nil {
			return nil, err
		}
		defer key.gate.leave()
		raw.receipt_key = key.handle
	}
	// Not among what is given: it lives as long as callbacks come.
	called := (*C.bridge_listener)(C.calloc(1, C.sizeof_bridge_listener))
	context := cgo.NewHandle(&listener{options.Log, options.Event})
	called.context, called.owner = C.uintptr_t(context), C.uintptr_t(uintptr(unsafe.Pointer(called)))
	C.bridge_listen(raw, called, C.bool(options.Log != nil), C.bool(options.Event != nil))
	forget := func() {
		context.Delete()
		C.free(unsafe.Pointer(called))
	}

	var handle *C.sogov_engine
	var failed *C.sogov_error
	if err := take(C.sogov_engine_open(raw, &handle, &failed), &failed); err != nil {
		forget()
		return nil, err
	}
	engine := &Engine{handle: handle, owner: called.owner}
	engine.gate.open(func() {
		C.sogov_engine_free(handle)
		forget()
	})
	// Ending takes a while, for which other finalizers should not wait.
	runtime.SetFinalizer(engine, func(engine *Engine) { go engine.gate.close() })
	return engine, nil
}

// Close ends the engine: its services serve nobody any more, updates are cancelled, the methods of the engine that are
// running are waited for, what is on its way to the disk gets there, and versions without leases are stopped and unmapped.
// Calls that are in plugins and leases that are out stay good, and are not waited for. Once it has returned, the callbacks for
// log and events are not called any more. A second time it does nothing.
//
// It fails with ErrDeadlock inside of the engine's own callbacks. Do not call it from inside a plugin.
func (e *Engine) Close() error {
	if e.owner != 0 && C.bridge_inside(e.owner) {
		return &Error{Status: ErrDeadlock, Message: "engine: expected to be closed outside of its callbacks"}
	}
	e.gate.close()
	e.gate.wait()
	runtime.SetFinalizer(e, nil)
	return nil
}

// VerifyFile decides over a plugin file as Load would, loads nothing, and returns the artifact's digest. An empty version
// takes any. It fails with the errors of trust and loading where loading would.
func (e *Engine) VerifyFile(service, version, path string) (digest Digest, err error) {
	if err := e.gate.enter("engine"); err != nil {
		return digest, err
	}
	defer e.gate.leave()
	var given memory
	defer given.free()
	name, nameLen := given.text(service)
	label, labelLen := given.text(version)
	file, fileLen := given.text(path)
	var failed *C.sogov_error
	err = take(C.sogov_file_verify(e.handle, name, nameLen, label, labelLen, file, fileLen, first(digest[:]),
		&failed), &failed)
	return digest, err
}

// rightLibrary fails where the library is not of the header's minor version: the ABI may be another one.
func rightLibrary() error {
	if found := C.sogov_version_number(); found/1000 != C.SOGOV_VERSION_NUMBER/1000 {
		return &Error{Status: ErrUnsupported, Message: fmt.Sprintf("library: expected version %s, found %s",
			C.SOGOV_VERSION_TEXT, LibraryVersion())}
	}
	return nil
}

func (o *EngineOptions) raw(given *memory) (*C.sogov_engine_options, error) {
	raw := (*C.sogov_engine_options)(given.zeroed(1, C.sizeof_sogov_engine_options))
	raw.size = C.sizeof_sogov_engine_options
	raw.trust_directory, raw.trust_directory_len = given.text(o.TrustDirectory)
	raw.state_directory, raw.state_directory_len = given.text(o.StateDirectory)
	if count := len(o.RootKeyIDs); count > 0 {
		ids := given.zeroed(count, C.size_t(len(KeyID{})))
		copy(unsafe.Slice((*KeyID)(ids), count), o.RootKeyIDs)
		raw.root_key_ids, raw.root_key_count = (*C.uint8_t)(ids), C.size_t(count)
	}
	raw.parked_versions, raw.parked_bytes = C.size_t(o.ParkedVersions), C.size_t(o.ParkedBytes)
	raw.preflight, raw.preflight_memory_mib = C.uint32_t(o.Preflight), C.uint32_t(o.PreflightMemoryMiB)
	raw.symbol_collisions, raw.contain_crashes = C.uint32_t(o.SymbolCollisions), flag(o.ContainCrashes)
	raw.root_threshold, raw.root_set = C.uint32_t(o.RootThreshold), C.uint64_t(o.RootSet)
	var err error
	if o.TrustCheck < 0 {
		raw.trust_check_ms = C.UINT32_MAX
	} else if raw.trust_check_ms, err = milliseconds(o.TrustCheck, "TrustCheck"); err != nil {
		return nil, err
	}
	if raw.preflight_ms, err = milliseconds(o.PreflightTime, "PreflightTime"); err != nil {
		return nil, err
	}
	if raw.preflight_cpu_ms, err = milliseconds(o.PreflightCPU, "PreflightCPU"); err != nil {
		return nil, err
	}
	if o.Audit != nil {
		raw.audit = o.Audit.raw(given)
	}
	return raw, nil
}
