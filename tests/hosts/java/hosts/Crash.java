package hosts;

import static java.nio.charset.StandardCharsets.UTF_8;

import sogov.Answer;
import sogov.Lease;
import sogov.PluginException;
import sogov.Status;

/** Crashes of the zoo's plugin "crash", in a process that contains them. */
final class Crash {
    /** How the mappings of the plugin are named. It stays mapped. */
    static final String NAME = "crash@v2";

    /** The requests that make it crash, and the signals that come of them. */
    private static final String[][] FAULTS = {
        {"write_null", "SIGSEGV"}, {"read_far", "SIGSEGV"}, {"call_null", "SIGSEGV"}, {"call_data", "SIGSEGV"},
        {"overflow", "SIGSEGV"}, {"untidy", "SIGSEGV"}, {"divide", "SIGFPE"}, {"illegal", "SIGILL"},
        // Nothing that a crash was doing is undone: this one leaves a descriptor open.
        {"truncated", "SIGBUS"},
    };

    private Crash() {}

    /** One crash of each kind. */
    static void ofEachKind() {
        for (String[] fault : FAULTS) {
            of(fault[0], fault[1]);
        }
    }

    /** One that leaves no descriptor open, another one for each number. */
    static void of(int number) {
        String[] fault = FAULTS[number % (FAULTS.length - 1)];
        of(fault[0], fault[1]);
    }

    /** Has a version crash that was promoted over a sound one, in an engine of its own. */
    private static void of(String request, String signal) {
        try (Host host = new Host("crash", "v1", "v2")) {
            host.promote("v2");
            Answer fine = host.service.call("fine".getBytes(UTF_8));
            expect("fine of v2", fine.text() + " of " + fine.version());
            try {
                host.service.call(request.getBytes(UTF_8));
                throw new AssertionError(request + ": expected a crash, found an answer");
            } catch (PluginException crash) {
                expect(Status.PLUGIN_CRASHED + ": " + signal + " of v2", crash.status() + ": "
                        + crash.reason().substring(0, signal.length()) + " of " + crash.version());
            }
            // The version of before serves, and says so.
            host.new Caller().call();
            Lease lease = host.service.route(null);
            expect("v1", lease.version());
            Host.release(lease);
        }
    }

    private static void expect(String expected, String found) {
        if (!found.equals(expected)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }
}
