package sogov

// Lease is the right to call into one version until it is released. It is a plain value: any goroutine may use it, and release
// it once. One that is never released keeps its version mapped for ever; there is no finalizer, as addresses that were looked
// up under it may be in use while nobody refers to the lease.
type Lease struct{ number uint64 }
