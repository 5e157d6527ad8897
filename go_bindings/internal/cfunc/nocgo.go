//go:build !cgo

package cfunc

import "unsafe"

// Int cannot be called without cgo.
func Int(unsafe.Pointer) int { panic("cfunc: built without cgo") }
