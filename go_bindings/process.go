//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

// ProcessStatus tells what is mapped, and whether the process should be restarted when there is an occasion.
func ProcessStatus() (ProcessInfo, error) {
	var raw C.sogov_process_info
	raw.size = C.sizeof_sogov_process_info
	var failed *C.sogov_error
	if err := take(C.sogov_process_status(&raw, &failed), &failed); err != nil {
		return ProcessInfo{}, err
	}
	return ProcessInfo{
		VersionsMapped: uint64(raw.versions_mapped), VersionsPinned: uint64(raw.versions_pinned),
		VersionsParked: uint64(raw.versions_parked), BytesMapped: uint64(raw.bytes_mapped),
		RestartWanted: raw.restart_wanted != 0, RestartReason: C.GoString(&raw.restart_reason[0]),
		Tainted: raw.tainted != 0, TaintReason: C.GoString(&raw.taint_reason[0]),
	}, nil
}

// LibraryVersion is the version of the library that the program runs with, such as "0.1.0". Open refuses one of another minor
// version than the header's, as its ABI may differ.
func LibraryVersion() string { return C.GoString(C.sogov_version_text()) }
