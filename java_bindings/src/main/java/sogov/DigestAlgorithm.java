package sogov;

/** The digests, each of 32 bytes. */
enum DigestAlgorithm {
    /** SM3 (GB/T 32905-2016). */
    SM3(1),
    /**
     * The tree digest of docs/conventions.md: SM3 over leaves of 64 KiB, which are hashed side by side. The digest
     * of plugin files, and the faster one for data of more than some leaves.
     */
    SM3_TREE(2);

    private final int number;

    DigestAlgorithm(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
