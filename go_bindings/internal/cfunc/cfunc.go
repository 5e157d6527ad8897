// Package cfunc calls C functions whose address was looked up under a lease, as a host's own preamble would.
package cfunc

// typedef int (*answer_function)(void);
// static int call(void *address) { return ((answer_function)address)(); }
import "C"

import "unsafe"

// Int calls an `int (*)(void)`.
func Int(address unsafe.Pointer) int { return int(C.call(address)) }
