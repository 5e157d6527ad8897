module peers

go 1.24.0

require (
	github.com/emmansun/gmsm v0.40.0
	github.com/tjfoc/gmsm v1.4.1
)

require (
	golang.org/x/crypto v0.43.0 // indirect
	golang.org/x/sys v0.37.0 // indirect
)
