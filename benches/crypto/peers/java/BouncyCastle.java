import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.IntSupplier;
import java.util.stream.Collectors;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.CryptoException;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.crypto.params.ParametersWithID;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.crypto.util.PublicKeyFactory;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** Bouncy Castle as a peer, by the commands of README.md. */
public final class BouncyCastle {
    private static final byte[] USER_ID = "1234567812345678".getBytes();
    private static final int STREAM_LEN = 1 << 20;
    /** Until the compiler of the virtual machine has seen an operation often enough. */
    private static final long WARM_UP_NANOSECONDS = 3_000_000_000L;

    private record Case(byte[] spki, byte[] signature, byte[] message) {}

    private final List<Case> cases = new ArrayList<>();
    private final List<String> warm = new ArrayList<>();
    private byte[] pkcs8;
    private int next;

    public static void main(String[] arguments) throws IOException {
        System.out.println("driver der " + new BouncyCastleProvider().getVersionStr() + " Bouncy Castle");
        BouncyCastle driver = new BouncyCastle();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            driver.answer(line.split(" "));
        }
    }

    private void answer(String[] words) throws IOException {
        switch (words[0]) {
            case "signer" -> pkcs8 = unhex(words[1]);
            case "case" -> cases.add(new Case(unhex(words[1]), unhex(words[2]), unhex(words[3])));
            case "check" -> System.out.println(
                    "verdicts " + cases.stream().map(c -> verifyNewKey(c) ? "1" : "0").collect(Collectors.joining()));
            case "sign" -> {
                SM2Signer signer = signer();
                say("signatures", cases.stream().map(c -> sign(signer, c.message)).toList());
            }
            case "digest" -> say("digests", cases.stream().map(c -> digest(c.message)).toList());
            case "run" -> {
                IntSupplier turn = operation(words[1]);
                System.out.println(turn == null ? "none" : run(words[1], turn, Long.parseLong(words[2])));
            }
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    /** One turn, which returns the units done. */
    private IntSupplier operation(String name) throws IOException {
        return switch (name) {
            case "verify_one" -> {
                List<SM2Signer> verifiers = new ArrayList<>();
                for (Case c : cases) {
                    verifiers.add(verifier(c.spki));
                }
                yield () -> {
                    int i = turn();
                    return accepted(verify(verifiers.get(i), cases.get(i)));
                };
            }
            case "verify_one_new_key" -> () -> accepted(verifyNewKey(cases.get(turn())));
            case "sign_one" -> {
                SM2Signer signer = signer();
                yield () -> sign(signer, cases.get(turn()).message).length > 0 ? 1 : 0;
            }
            case "sm3_stream" -> {
                byte[] data = new byte[STREAM_LEN];
                for (int i = 0; i < STREAM_LEN; i++) {
                    data[i] = (byte) (i % 251);
                }
                yield () -> digest(data).length > 0 ? STREAM_LEN : 0;
            }
            default -> null;
        };
    }

    private String run(String operation, IntSupplier turn, long milliseconds) {
        if (!warm.contains(operation)) {
            warm.add(operation);
            repeat(turn, WARM_UP_NANOSECONDS);
        }
        long begin = System.nanoTime();
        long processor = processorTime();
        long units = repeat(turn, milliseconds * 1_000_000);
        return "ran " + units + " " + (processorTime() - processor) + " " + (System.nanoTime() - begin);
    }

    private static long repeat(IntSupplier turn, long nanoseconds) {
        long units = 0;
        for (long begin = System.nanoTime(); System.nanoTime() - begin < nanoseconds; ) {
            units += turn.getAsInt();
        }
        return units;
    }

    /** That of this thread alone: that of the process comes in steps of 10 ms. */
    private static long processorTime() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** A verifier keeps its key's Z from one message to the next. */
    private static SM2Signer verifier(byte[] spki) throws IOException {
        SM2Signer verifier = new SM2Signer();
        verifier.init(false, new ParametersWithID(PublicKeyFactory.createKey(spki), USER_ID));
        return verifier;
    }

    private static boolean verify(SM2Signer verifier, Case c) {
        verifier.update(c.message, 0, c.message.length);
        return verifier.verifySignature(c.signature);
    }

    private static boolean verifyNewKey(Case c) {
        try {
            return verify(verifier(c.spki), c);
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    private SM2Signer signer() throws IOException {
        CipherParameters key = PrivateKeyFactory.createKey(pkcs8);
        SM2Signer signer = new SM2Signer();
        signer.init(true, new ParametersWithID(key, USER_ID));
        return signer;
    }

    private static byte[] sign(SM2Signer signer, byte[] message) {
        signer.update(message, 0, message.length);
        try {
            return signer.generateSignature();
        } catch (CryptoException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] digest(byte[] message) {
        SM3Digest sm3 = new SM3Digest();
        byte[] digest = new byte[sm3.getDigestSize()];
        sm3.update(message, 0, message.length);
        sm3.doFinal(digest, 0);
        return digest;
    }

    private int turn() {
        next = (next + 1) % cases.size();
        return next;
    }

    private static int accepted(boolean good) {
        if (!good) {
            throw new IllegalStateException("a good signature was refused");
        }
        return 1;
    }

    private static void say(String answer, List<byte[]> words) {
        System.out.println(
                answer + words.stream().map(word -> " " + HexFormat.of().formatHex(word)).collect(Collectors.joining()));
    }

    private static byte[] unhex(String word) {
        return word.equals("-") ? new byte[0] : HexFormat.of().parseHex(word);
    }
}
