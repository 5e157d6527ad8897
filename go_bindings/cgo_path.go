//go:build cgo && linux && sogov_path

package sogov

// With this build tag the header and the library are where CGO_CFLAGS and CGO_LDFLAGS say:
//
//	CGO_CFLAGS=-I/opt/sogov/include CGO_LDFLAGS="-L/opt/sogov/lib -lsogov" go build -tags sogov_path
