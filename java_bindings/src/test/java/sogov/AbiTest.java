package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whether the package has what the header has. */
class AbiTest {
    /** Of a verifier without a callback: this package has futures. And Java has no event loop for a descriptor. */
    private static final Set<String> LEFT_OUT =
            Set.of("sogov_verifier_poll", "sogov_verifier_event_fd", "sogov_verifier_close", "sogov_error_status");

    @Test
    void everyFunctionOfTheHeaderIsUsed() throws Exception {
        String header = Files.readString(Release.ROOT.resolve("include/sogov.h"));
        StringBuilder natives = new StringBuilder();
        try (Stream<Path> files = Files.list(Release.ROOT.resolve("java_bindings/src/main/native"))) {
            for (Path file : files.toList()) {
                natives.append(Files.readString(file));
            }
        }
        Set<String> missing = new TreeSet<>();
        Matcher function = Pattern.compile("(?m)^[a-z][a-z_0-9 *]*?\\b(sogov_[a-z_]+)\\(").matcher(header);
        int found = 0;
        while (function.find()) {
            found++;
            if (!natives.toString().contains(function.group(1) + "(")) {
                missing.add(function.group(1));
            }
        }
        assertTrue(found > 40, "found " + found + " functions");
        assertEquals(new TreeSet<>(LEFT_OUT), missing);
    }

    @Test
    void everyConstantHasItsNumber() throws Exception {
        String header = Files.readString(Release.ROOT.resolve("include/sogov.h"));
        check(header, "STATUS", Status.values(), Status.UNKNOWN);
        check(header, "ROUTE_REASON", RouteReason.values(), null);
        check(header, "LOG_LEVEL", LogLevel.values(), null);
        check(header, "EVENT_KIND", EventKind.values(), EventKind.UNKNOWN);
        check(header, "STANDING", Standing.values(), null);
        check(header, "PACKAGE_STANDING", PackageStanding.values(), null);
        check(header, "BREAKER", Breaker.values(), null);
        check(header, "UPDATE_STEP", UpdateStep.values(), null);
        check(header, "UPDATE_PHASE", UpdatePhase.values(), null);
        check(header, "UPDATE_STATE", UpdateState.values(), null);
        check(header, "UPDATE_NO_DATA", UpdateNoData.values(), null);
        check(header, "KEY_FORMAT", KeyFormat.values(), null);
        check(header, "CUSTODY", Custody.values(), null);
        check(header, "KEY_MEMORY", KeyMemory.values(), null);
        check(header, "SIGNATURE_ENCODING", SignatureEncoding.values(), null);
        check(header, "DIGEST_ALGORITHM", DigestAlgorithm.values(), null);
        check(header, "OUTCOME", Outcome.values(), null);
        check(header, "PREFLIGHT", Preflight.values(), null);
        check(header, "SYMBOL_COLLISIONS", SymbolCollisions.values(), null);
        for (RouteReason reason : RouteReason.values()) {
            assertEquals(reason, RouteReason.of(reason.number()));
        }
        assertEquals(Status.UNKNOWN, Status.of(999));
        assertThrows(IllegalStateException.class, () -> Standing.of(999));
    }

    private static void check(String header, String prefix, Enum<?>[] values, Enum<?> unknown) throws Exception {
        Map<String, Integer> expected = new TreeMap<>();
        Matcher constant = Pattern.compile("(?m)^  SOGOV_" + prefix + "_([A-Z0-9_]+) = (\\d+),").matcher(header);
        while (constant.find()) {
            expected.put(constant.group(1), Integer.valueOf(constant.group(2)));
        }
        Map<String, Integer> found = new TreeMap<>();
        for (Enum<?> value : values) {
            if (value != unknown) {
                found.put(value.name(), (Integer) value.getClass().getDeclaredMethod("number").invoke(value));
            }
        }
        assertEquals(expected, found);
    }
}
