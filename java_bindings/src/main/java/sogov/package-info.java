/**
 * Governs native plugins: signed, versioned, routed, rolled back. A JNI binding of libsogov.so.
 *
 * <p>Start at {@link sogov.Engine}; {@link sogov.PrivateKey} signs, {@link sogov.Batch} and {@link sogov.Verifier} verify in
 * numbers, {@link sogov.Service} uses what was loaded. What holds for all of it:
 *
 * <ul>
 * <li>Any number of threads may use any object at once, but for builders.
 * <li>Every failure of the engine is a {@link sogov.SogovException}; use after close is an IllegalStateException, a null where
 *     none is allowed a NullPointerException.
 * <li>What is AutoCloseable is to be closed; what is not is freed by the garbage collector, at a time of its own.
 * <li>Data is bytes, in arrays or in buffers; direct buffers are used where they lie. Texts are sent as UTF-8.
 * <li>Nothing is printed, and no signal handler is installed but by {@link sogov.EngineBuilder#containCrashes}.
 * </ul>
 *
 * <p>The natives are found by the system properties {@code sogov.library.path} and {@code sogov.tmpdir}: README.md of the
 * package has the order.
 */
package sogov;
