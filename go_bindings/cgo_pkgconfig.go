//go:build cgo && linux && !sogov_path

package sogov

// #cgo pkg-config: sogov
import "C"
