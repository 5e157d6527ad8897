//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// AuditHead is the last record of the engine's audit trail, to be kept where nobody who can write the state directory can
// write: VerifyAudit finds by it what was cut off. With checkpoint, what was recorded is signed and made durable first. It
// fails with ErrNotFound when the engine records nothing.
func (e *Engine) AuditHead(checkpoint bool) (AuditPosition, error) {
	if err := e.gate.enter("engine"); err != nil {
		return AuditPosition{}, err
	}
	defer e.gate.leave()
	var place C.sogov_audit_position
	var failed *C.sogov_error
	err := take(C.sogov_audit_head(e.handle, flag(checkpoint), &place, &failed), &failed)
	return auditPosition(&place), err
}

// VerifyAudit looks whether an audit trail is as it was written, in the state directory or in that of a trail. Engines may be
// writing it meanwhile. One of the keys must have signed each checkpoint, of which there must be one then; without keys signatures
// are not looked at. The record that is expected, unless it is nil, must be there. It fails with ErrAuditBroken, and the
// message names the file, the record, what was expected and what was found.
func VerifyAudit(directory string, keys []Key, expected *AuditPosition) (AuditReport, error) {
	var given memory
	defer given.free()
	path, pathLen := given.text(directory)
	var handles **C.sogov_key
	if len(keys) > 0 {
		block := given.zeroed(len(keys), C.size_t(unsafe.Sizeof(uintptr(0))))
		handles = (**C.sogov_key)(block)
		for index, each := range keys {
			held := each.held()
			if err := held.gate.enter("key"); err != nil {
				return AuditReport{}, err
			}
			defer held.gate.leave()
			unsafe.Slice(handles, len(keys))[index] = held.handle
		}
	}
	var place *C.sogov_audit_position
	if expected != nil {
		place = (*C.sogov_audit_position)(given.zeroed(1, C.sizeof_sogov_audit_position))
		place.record = C.uint64_t(expected.Record)
		copy(unsafe.Slice((*byte)(&place.hash[0]), len(place.hash)), expected.Hash[:])
	}
	report := (*C.sogov_audit_report)(given.zeroed(1, C.sizeof_sogov_audit_report))
	report.size = C.sizeof_sogov_audit_report
	var failed *C.sogov_error
	err := take(C.sogov_audit_verify(path, pathLen, handles, C.size_t(len(keys)), place, report, &failed), &failed)
	runtime.KeepAlive(keys)
	if err != nil {
		return AuditReport{}, err
	}
	return AuditReport{
		First: uint64(report.first), Head: auditPosition(&report.head), Segments: uint64(report.segments),
		Checkpoints: uint64(report.checkpoints), SignedUpTo: uint64(report.signed_up_to),
		Recovered: uint64(report.recovered),
	}, nil
}

func auditPosition(raw *C.sogov_audit_position) AuditPosition {
	place := AuditPosition{Record: uint64(raw.record)}
	copy(place.Hash[:], unsafe.Slice((*byte)(&raw.hash[0]), len(raw.hash)))
	return place
}

func (o *AuditOptions) raw(given *memory) *C.sogov_audit_options {
	raw := (*C.sogov_audit_options)(given.zeroed(1, C.sizeof_sogov_audit_options))
	raw.size = C.sizeof_sogov_audit_options
	raw.required, raw.checkpoint_every = flag(o.Required), C.uint32_t(o.CheckpointEvery)
	raw.segment_size, raw.total_size = C.uint64_t(o.SegmentSize), C.uint64_t(o.TotalSize)
	raw.pseudonym_key, raw.pseudonym_key_len = given.userID(o.PseudonymKey)
	if o.CheckpointKey != nil {
		// A key that was closed leaves an emptied handle, which the library refuses.
		raw.checkpoint_key = o.CheckpointKey.handle
	}
	return raw
}
