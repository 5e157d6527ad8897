import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import sogov.Answer;
import sogov.PluginException;
import sogov.Request;
import sogov.RouteReason;
import sogov.Service;
import sogov.SogovException;

/** Threads that call without a pause until they are told of a rollback, and for a while after it. */
final class PaymentTraffic {
    static final int THREADS = 8;

    private static final int CALLS_AFTER_ROLLBACK = 500;
    private static final int PATIENCE_SECONDS = 10;
    private static final List<PaymentTariff.Transaction> TRANSACTIONS = PaymentTariff.transactions(5_000);

    private final ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    private final List<Future<Tally>> callers = new ArrayList<>();
    private final CountDownLatch failed = new CountDownLatch(1);
    private volatile boolean rolledBack;

    PaymentTraffic(Service service) {
        for (long thread = 0; thread < THREADS; thread++) {
            long first = thread << 32;
            callers.add(pool.submit(() -> callOn(service, first)));
        }
    }

    /** What became of calls. */
    static final class Tally {
        long calls;
        long right;
        long knownDefect;
        long lost;
        long afterRollback;
        long tooLate;

        void add(Tally other) {
            calls += other.calls;
            right += other.right;
            knownDefect += other.knownDefect;
            lost += other.lost;
            afterRollback += other.afterRollback;
            tooLate += other.tooLate;
        }
    }

    /** Which version a call met, and why. */
    record Met(String version, RouteReason reason) {}

    /** Prices one transaction and checks the answer. */
    static Met price(Service service, long number, Request about, Tally tally) {
        PaymentTariff.Transaction transaction = TRANSACTIONS.get((int) (number % TRANSACTIONS.size()));
        tally.calls++;
        try {
            Answer answer = service.call(transaction.request, about);
            boolean right = transaction.answer(answer.version()).filter(answer.text()::equals).isPresent();
            tally.right += right ? 1 : 0;
            tally.lost += right ? 0 : 1;
            return new Met(answer.version(), answer.reason());
        } catch (PluginException failure) {
            // Status 1 is the version's own failure; v3 fails on large amounts, and nothing else may fail.
            boolean known = failure.pluginStatus() == 1 && transaction.answer(failure.version()).isEmpty();
            tally.knownDefect += known ? 1 : 0;
            tally.lost += known ? 0 : 1;
            return new Met(failure.version(), failure.routeReason());
        } catch (SogovException lost) {
            tally.lost++;
            return new Met("", RouteReason.NONE);
        }
    }

    /** Waits until v3 was seen to fail; false when it was not in time. */
    boolean awaitFailure() throws InterruptedException {
        return failed.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** Says that v3 was taken back, and waits for the threads. */
    Tally end() throws InterruptedException, ExecutionException {
        rolledBack = true;
        Tally all = new Tally();
        for (Future<Tally> caller : callers) {
            all.add(caller.get());
        }
        pool.shutdown();
        return all;
    }

    private Tally callOn(Service service, long first) {
        Tally tally = new Tally();
        for (long number = first; tally.afterRollback < CALLS_AFTER_ROLLBACK; number++) {
            // Looked at before the call: what begins after the rollback must not meet v3.
            boolean after = rolledBack;
            Met met = price(service, number, Request.user("user-" + number), tally);
            if (after) {
                tally.afterRollback++;
                tally.tooLate += met.version.equals("v3") ? 1 : 0;
            }
            if (tally.knownDefect > 0) {
                failed.countDown();
            }
        }
        return tally;
    }
}
