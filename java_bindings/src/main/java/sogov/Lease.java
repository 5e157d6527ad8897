package sogov;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The right to call into one version until it is released. Any thread may use it, and release it once; after that every use
 * is an IllegalStateException. What was looked up under a lease must not be used after its release: nothing checks that.
 *
 * <pre>{@code
 * try (Lease lease = service.route(Request.user("user-7"))) {
 *     call(lease.symbol("answer"));
 *     lease.outcome(Outcome.SUCCESS);
 * }
 * }</pre>
 */
public final class Lease implements AutoCloseable {
    private final Service service;
    private final Held held;
    private final Cleaner.Cleanable abandoned;

    Lease(Service service, Gate gate, int cell, long number) {
        this.service = service;
        held = new Held(gate, cell, number);
        abandoned = Natives.CLEANER.register(this, held);
    }

    /**
     * The service that handed out the lease.
     *
     * @return the service
     */
    public Service service() {
        return service;
    }

    /**
     * The version that the lease is on.
     *
     * @return its label
     */
    public String version() {
        try {
            return Unpacker.text(Native.leaseVersion(held.number()));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The address of a symbol in its default symbol version; see {@link #symbol(String, String)}.
     *
     * @param name the symbol
     * @return its address
     */
    public long symbol(String name) {
        return symbol(name, null);
    }

    /**
     * The address of a symbol that the version exports, for the foreign function interface of the host's choice. Look it up
     * again under each lease.
     *
     * @param name the symbol; {@link SogovException} with {@link Status#NOT_FOUND} where there is none of it
     * @param symbolVersion its symbol version, such as "FEE_1.0"; null: the default one
     * @return its address, good until the release
     */
    public long symbol(String name, String symbolVersion) {
        if ("".equals(symbolVersion)) {
            throw new IllegalArgumentException("symbolVersion: expected a symbol version or null, found nothing");
        }
        try {
            return Native.leaseSymbol(held.number(), Packer.of(name, symbolVersion));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The descriptor of a level-1 plugin (sogov_plugin.h) and its {@code self}.
     *
     * @return addresses, good until the release; {@link SogovException} with {@link Status#UNSUPPORTED} for a level-0
     *     plugin and an isolated one
     */
    public Plugin plugin() {
        try {
            long[] addresses = Native.leasePlugin(held.number());
            return new Plugin(addresses[0], addresses[1]);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Says how the calls under the lease went, for {@link #close}. The last word counts; without one they were neutral.
     *
     * @param outcome counted for the version
     */
    public void outcome(Outcome outcome) {
        held.number();
        held.outcome = outcome.number();
    }

    /**
     * Whether the lease was given back.
     *
     * @return true after {@link #close}
     */
    public boolean isReleased() {
        return held.released.get();
    }

    /** Gives the lease back, with the {@link #outcome}. A second time does nothing. */
    @Override
    public void close() {
        abandoned.clean();
    }

    /**
     * The lease for people.
     *
     * @return the service, and whether it was given back
     */
    @Override
    public String toString() {
        return "Lease on " + service.name() + (isReleased() ? ", released" : "");
    }

    /**
     * Where a level-1 plugin is.
     *
     * @param descriptor the address of its {@code sogov_plugin}
     * @param self what its functions take; 0 for NULL
     */
    public record Plugin(long descriptor, long self) {}

    /** What a lease holds; apart from it, so that it can be given back when the lease is gone. */
    private static final class Held implements Runnable {
        private final Gate gate;
        private final int cell;
        private final long number;
        private final AtomicBoolean released = new AtomicBoolean();
        private volatile int outcome = Outcome.NEUTRAL.number();

        Held(Gate gate, int cell, long number) {
            this.gate = gate;
            this.cell = cell;
            this.number = number;
        }

        long number() {
            if (released.get()) {
                throw new IllegalStateException("lease: was released");
            }
            return number;
        }

        @Override
        public void run() {
            if (released.compareAndSet(false, true)) {
                Native.leaseRelease(number, outcome);
                gate.leave(cell);
            }
        }
    }
}
