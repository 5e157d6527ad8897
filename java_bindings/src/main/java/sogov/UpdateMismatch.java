package sogov;

/**
 * A copy of a request that two versions answered differently. No content: that may be anybody's.
 *
 * @param requestLength bytes of the request
 * @param expectedLength bytes of the stable version's answer
 * @param foundLength bytes of the new version's answer
 * @param expectedStatus what {@code invoke} of the stable version returned
 * @param foundStatus what {@code invoke} of the new version returned
 * @param request SM3 of the request
 * @param expected SM3 of the stable version's answer
 * @param found SM3 of the new version's answer
 */
public record UpdateMismatch(
        long requestLength, long expectedLength, long foundLength, int expectedStatus, int foundStatus,
        Digest request, Digest expected, Digest found) {
    static UpdateMismatch read(Unpacker from) {
        return new UpdateMismatch(
                from.number(), from.number(), from.number(), from.index(), from.index(),
                new Digest(from.data()), new Digest(from.data()), new Digest(from.data()));
    }
}
