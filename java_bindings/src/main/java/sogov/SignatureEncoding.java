package sogov;

/** How a signature is written. */
public enum SignatureEncoding {
    /** 64 bytes: R and S, each 32 bytes, big-endian. */
    RAW(0),
    /** SEQUENCE { INTEGER r, INTEGER s } in DER, as OpenSSL and Bouncy Castle write it. */
    DER(1);

    private final int number;

    SignatureEncoding(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
