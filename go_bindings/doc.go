// Package sogov governs native plugins: signed, versioned, routed, rolled back. It binds libsogov.so by cgo.
//
// Start at [Open]; [PrivateKey] signs, [VerifyBatch] and [Verifier] verify in numbers, [Service.Call] and
// [Service.Route] use what was loaded, and every failure is an [*Error]. What holds for all of it:
//
//   - Any number of goroutines may use any object at once, but for an [Answer]. Nothing is tied to a thread: a lease may
//     be released by another goroutine than took it.
//   - Options are structs; nil and zero members are the defaults.
//   - Close may be called any number of times. Whatever returns an error and is used after it fails with [ErrClosed].
//     What nobody refers to any more is closed by the garbage collector, at some time; leases are not.
//   - A context ends a wait where the library can be interrupted, and is looked at before the others. A call into C holds
//     its thread until it returns, so a plugin that runs long takes one thread, and no other goroutine waits for it.
//   - Callbacks run on any thread, on several at once, and may use this package, except to close what calls them. A panic
//     in one that nothing awaits ends the program, since it must not unwind the library's frames; so does runtime.Goexit
//     in any, and with it testing.T.FailNow.
//   - Nothing is printed, no environment variable is changed, and no signal handler is installed unless
//     [EngineOptions.ContainCrashes] asks for it.
//
// The compiler finds the library through pkg-config (sogov.pc). With the build tag sogov_path it takes what CGO_CFLAGS and
// CGO_LDFLAGS say instead. Without cgo the package compiles, and every function fails with [ErrUnsupported] and says why.
package sogov
