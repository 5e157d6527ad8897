package sogov;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shared vectors of tests/vectors, as far as the package reaches them. */
class VectorsTest {
    /** Bytes of a private key. */
    private static final int SCALAR = 32;
    /** What stands before a point in SubjectPublicKeyInfo of this curve. */
    private static final String ALGORITHM = "301306072a8648ce3d020106082a811ccf5501822d";

    @Test
    void signatures() throws Exception {
        Map<String, Object> vectors = Json.vectors("sm2_sign.json");
        assertEquals(vectors.get("numberOfTests"), signatures(Json.list(vectors, "testGroups")));
    }

    @Test
    void wycheproof() throws Exception {
        Map<String, Object> vectors = Json.vectors("sm2_wycheproof.json");
        long run = 0;
        for (Map<String, Object> group : Json.list(vectors, "testGroups")) {
            switch ((String) group.get("type")) {
                case "Sm2Verify" -> run += signatures(List.of(group));
                case "Sm2Point" -> run += each(group, test -> PublicKey.load(spki(Json.hex(test, "encoded"))).close());
                case "Sm2PrivateKey" -> run += each(group, test -> {
                    if (Json.hex(test, "scalar").length != SCALAR) {
                        // Of the number itself: a key's file may hold it without zeros in front.
                        throw Failures.of(Status.KEY_INVALID.number(), "not a number of this package");
                    }
                    try (PrivateKey key = PrivateKey.load(sec1(Json.hex(test, "scalar")))) {
                        assertPoint(test, key);
                    }
                });
                case "Sm2UserId" -> run += each(group, test -> {
                    byte[] id = new byte[Math.toIntExact((Long) test.get("length"))];
                    try (PrivateKey key = PrivateKey.generate()) {
                        SignatureOptions options = SignatureOptions.DEFAULT.userId(id);
                        key.verify(id, key.sign(id, options), options);
                    }
                });
                default -> throw new AssertionError("an unknown type: " + group.get("type"));
            }
        }
        assertEquals(vectors.get("numberOfTests"), run);
    }

    @Test
    void published() throws Exception {
        Map<String, Object> vectors = Json.vectors("sm2_published.json");
        for (Map<String, Object> test : Json.list(vectors, "signatures")) {
            try (PrivateKey key = PrivateKey.load(sec1(Json.hex(test, "private")))) {
                SignatureOptions options = SignatureOptions.DEFAULT.userId(Json.hex(test, "user_id_hex"));
                assertEquals(
                        test.get("result").equals("valid"),
                        key.isValid(Json.hex(test, "msg"), Json.hex(test, "sig"), options), test.toString());
            }
        }
        for (Map<String, Object> test : Json.list(vectors, "other_curves")) {
            assertThrows(SogovException.class, () -> PublicKey.load(spki(Json.hex(test, "point"))), test.toString());
        }
        for (Map<String, Object> test : Json.list(vectors, "multiples")) {
            PublicKey.load(spki(Json.hex(test, "point"))).close();
        }
    }

    @Test
    void sm3() throws Exception {
        Map<String, Object> vectors = Json.vectors("sm3.json");
        List<Map<String, Object>> tests = Json.list(vectors, "tests");
        for (Map<String, Object> test : tests) {
            assertEquals(test.get("digest"), Digest.sm3(Json.hex(test, "msg")).toString());
        }
        assertEquals(vectors.get("numberOfTests"), (long) tests.size());
    }

    @Test
    void sm3Tree() throws Exception {
        int run = 0;
        for (Map<String, Object> test : Json.list(Json.vectors("sm3_tree.json"), "tests")) {
            if (test.get("root") == null) {
                continue;
            }
            byte[] data = new byte[Math.toIntExact((Long) test.get("length"))];
            for (int i = 0; i < data.length; i++) {
                data[i] = (byte) (i % 251);
            }
            assertEquals(test.get("root"), Digest.sm3Tree(data).toString(), test.toString());
            run++;
        }
        assertEquals(Json.list(Json.vectors("sm3_tree.json"), "tests").size(), run);
    }

    @Test
    void routes(@TempDir Path directory) throws Exception {
        Map<String, Object> vectors = Json.vectors("route_policy.json");
        String service = (String) vectors.get("service");
        int run = 0;
        try (Release release = new Release(directory)) {
            for (Map<String, Object> one : Json.list(vectors, "cases")) {
                // An engine for each: a policy's epoch may not go down.
                try (Engine engine = release.builder().preflight(Preflight.OFF).parked(8, 0).open()) {
                    Map<String, Object> policy = Json.map(one.get("policy"));
                    load(release, engine, service, policy);
                    engine.applyRoutePolicy(service, Json.write(policy));
                    for (Map<String, Object> request : Json.list(one, "requests")) {
                        Answer answer = engine.service(service).call(new byte[0], about(request));
                        assertEquals(request.get("version"), answer.version(), one.get("name") + ": " + request);
                        String reason = ((String) request.get("reason")).toUpperCase(Locale.ROOT);
                        assertEquals(reason, answer.reason().name(), one.get("name") + ": " + request);
                        run++;
                    }
                }
            }
        }
        assertEquals(Json.list(vectors, "cases").stream().mapToInt(c -> Json.list(c, "requests").size()).sum(), run);
    }

    /** Every version that the policy names; the stable one is promoted. */
    private static void load(Release release, Engine engine, String service, Map<String, Object> policy) {
        Set<String> versions = new TreeSet<>();
        if (policy.get("weight") != null) {
            versions.addAll(Json.map(policy.get("weight")).keySet());
        }
        List<String> grays = new ArrayList<>();
        if (policy.get("grays") != null) {
            Json.list(policy, "grays").forEach(gray -> grays.add((String) gray.get("version")));
        }
        versions.addAll(grays);
        String stable = (String) policy.get("stable");
        if (stable == null) {
            stable = versions.contains("v2") ? "v2" : versions.iterator().next();
        }
        versions.add(stable);
        for (String version : versions) {
            Path plugin = release.directory.resolve(service + "-" + version + ".so");
            if (!plugin.toFile().exists()) {
                release.signed(Release.zoo("plain_level1"), service, version);
            }
            engine.loadVersioned(service, version, plugin);
        }
        engine.promote(service, stable);
    }

    private static Request about(Map<String, Object> request) {
        Request about = request.get("user_key") == null
                ? Request.UNKNOWN : Request.user((String) request.get("user_key"));
        for (Object header : (List<?>) request.get("headers")) {
            about = about.header((String) ((List<?>) header).get(0), (String) ((List<?>) header).get(1));
        }
        return about;
    }

    private interface Body {
        void run(Map<String, Object> test);
    }

    /** Each test of a group passes or is refused, as it says. */
    private static long each(Map<String, Object> group, Body body) {
        for (Map<String, Object> test : Json.list(group, "tests")) {
            if (test.get("result").equals("valid")) {
                body.run(test);
            } else {
                assertThrows(SogovException.class, () -> body.run(test), test.toString());
            }
        }
        return Json.list(group, "tests").size();
    }

    /** Each signature alone, and all of a group in one batch. */
    private static long signatures(List<Map<String, Object>> groups) {
        long run = 0;
        for (Map<String, Object> group : groups) {
            byte[] userId = Json.hex(group, "user_id_hex");
            try (PublicKey key = PublicKey.load(Json.hex(Json.map(group.get("key")), "spki"))) {
                for (SignatureEncoding encoding : SignatureEncoding.values()) {
                    SignatureOptions options = SignatureOptions.DEFAULT.userId(userId).encoding(encoding);
                    run += signatures(group, key, options, encoding.name().toLowerCase(Locale.ROOT));
                }
            }
        }
        return run;
    }

    private static long signatures(Map<String, Object> group, Key key, SignatureOptions options, String encoding) {
        List<Verification> items = new ArrayList<>();
        List<Boolean> expected = new ArrayList<>();
        for (Map<String, Object> test : Json.list(group, "tests")) {
            if (!test.get("encoding").equals(encoding)) {
                continue;
            }
            byte[] message = Json.hex(test, "msg");
            byte[] signature = Json.hex(test, "sig");
            boolean valid = test.get("result").equals("valid");
            assertEquals(valid, key.isValid(message, signature, options), test.toString());
            items.add(new Verification(key, message, signature));
            expected.add(valid);
        }
        if (expected.contains(false)) {
            BatchException invalid = assertThrows(BatchException.class, () -> Batch.verify(items, options));
            assertEquals(expected, invalid.results().stream().map(Status.OK::equals).toList());
        } else {
            Batch.verify(items, options);
        }
        return items.size();
    }

    private static void assertPoint(Map<String, Object> test, PrivateKey key) {
        byte[] der = key.publicKey().toDer();
        assertArrayEquals(Json.hex(test, "point"), Arrays.copyOfRange(der, der.length - 65, der.length));
    }

    private static byte[] spki(byte[] point) {
        ByteArrayOutputStream der = new ByteArrayOutputStream();
        der.write(0x30);
        der.write(21 + 3 + point.length);
        der.writeBytes(HexFormat.of().parseHex(ALGORITHM));
        der.write(3);
        der.write(1 + point.length);
        der.write(0);
        der.writeBytes(point);
        return der.toByteArray();
    }

    /** SEC1 without the public key: SEQUENCE { 1, OCTET STRING, [0] curve }. */
    private static byte[] sec1(byte[] scalar) {
        byte[] curve = HexFormat.of().parseHex("a00a06082a811ccf5501822d");
        ByteArrayOutputStream der = new ByteArrayOutputStream();
        der.write(0x30);
        der.write(3 + 2 + scalar.length + curve.length);
        der.writeBytes(new byte[] {2, 1, 1, 4, (byte) scalar.length});
        der.writeBytes(scalar);
        der.writeBytes(curve);
        return der.toByteArray();
    }
}
