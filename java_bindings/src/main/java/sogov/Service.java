package sogov;

import java.lang.ref.Reference;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Arrays;

/**
 * A service of an engine, from {@link Engine#service}: where requests go in. Any number of threads may use it at once. It
 * ends with its engine, after which every use is an IllegalStateException.
 */
public final class Service {
    /** Longer answers are not guessed beforehand. */
    private static final int MOST_GUESSED = 1 << 16;
    private static final int REASON_SHIFT = 32;

    private final Engine engine;
    private final Gate gate;
    private final String name;
    private final long handle;
    private final Labels labels = new Labels();
    /** How long the latest answer was: so much room the next one gets. Any value is right. */
    private int guess;

    Service(Engine engine, Gate gate, String name, long handle) {
        this.engine = engine;
        this.gate = gate;
        this.name = name;
        this.handle = handle;
    }

    /**
     * The service's name.
     *
     * @return as it was given to {@link Engine#service}
     */
    public String name() {
        return name;
    }

    /**
     * Sends one request, of which the route policy knows nothing; see {@link #call(byte[], Request)}.
     *
     * @param input the request's bytes
     * @return the answer
     */
    public Answer call(byte[] input) {
        return call(input, null);
    }

    /**
     * Sends one request through the version that the route policy picks: route, lease, invoke, outcome and release in one
     * step. For level-1 plugins.
     *
     * <p>{@link PluginException} when {@code invoke} returned another number than 0, which counts as the version's failure;
     * {@link SogovException} with {@link Status#NO_VERSION} while the service has no stable version, with {@link
     * Status#UNSUPPORTED} for a level-0 plugin.
     *
     * @param input the request's bytes
     * @param about what the route policy may look at; null: nothing is known
     * @return the answer
     */
    public Answer call(byte[] input, Request about) {
        return call(Request.packed(about), input, null, 0, input.length);
    }

    /**
     * The same of what lies between a buffer's position and its limit, which stay. A direct buffer is used where it lies:
     * nothing may change it during the call.
     *
     * @param input the request's bytes
     * @param about what the route policy may look at; null: nothing is known
     * @return the answer
     */
    public Answer call(ByteBuffer input, Request about) {
        Data data = Data.of(input);
        try {
            return call(Request.packed(about), data.array(), data.direct(), data.offset(), data.length());
        } finally {
            Reference.reachabilityFence(input);
        }
    }

    /**
     * Sends one request and puts the answer into a buffer, from its position on: without garbage, and with direct buffers
     * without copies on Java's side. The two may not overlap.
     *
     * @param input the request's bytes, between position and limit, which stay
     * @param answer takes the answer; its position moves behind it
     * @param about what the route policy may look at; null: nothing is known
     * @return the answer's length in bytes
     * @throws BufferOverflowException if the answer does not fit between position and limit; the plugin has been called
     *     nevertheless, and the buffer is as it was
     */
    public int call(ByteBuffer input, ByteBuffer answer, Request about) {
        if (answer.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        // Not by Data.of, which would be garbage where the compiler does not see through it.
        if (!input.isDirect() && !input.hasArray()) {
            return call(ByteBuffer.wrap(Data.copyOf(input)), answer, about);
        }
        boolean directIn = input.isDirect();
        boolean directOut = answer.isDirect();
        int begin = input.position();
        int place = answer.position();
        int room = Data.length(answer, place);
        int cell = gate.enter();
        try {
            int length = (int) Native.call(
                    handle, Request.packed(about),
                    directIn ? null : input.array(), directIn ? input : null,
                    directIn ? begin : input.arrayOffset() + begin, Data.length(input, begin),
                    directOut ? null : answer.array(), directOut ? answer : null,
                    directOut ? place : answer.arrayOffset() + place, room,
                    null, null);
            if (length > room) {
                throw new BufferOverflowException();
            }
            answer.position(place + length);
            return length;
        } finally {
            gate.leave(cell);
            Reference.reachabilityFence(this);
            Reference.reachabilityFence(input);
            Reference.reachabilityFence(answer);
        }
    }

    /**
     * Picks the version for one request and hands out a lease on it: until it is released, the version stays mapped and its
     * symbols may be called. For level-0 plugins, and for those that call a descriptor themselves.
     *
     * @param about what the route policy may look at; null: nothing is known
     * @return a lease, to be closed; {@link SogovException} with {@link Status#NO_VERSION} or, beyond 65,536 leases in
     *     flight, {@link Status#LIMIT_EXCEEDED}
     */
    public Lease route(Request about) {
        int cell = gate.enter();
        long number = 0;
        try {
            number = Native.route(handle, Request.packed(about));
        } finally {
            if (number == 0) {
                gate.leave(cell);
            }
            Reference.reachabilityFence(this);
        }
        return new Lease(this, gate, cell, number);
    }

    /**
     * The service for people.
     *
     * @return its name
     */
    @Override
    public String toString() {
        return "Service " + name;
    }

    /** A service keeps its engine from being collected. */
    Engine engine() {
        return engine;
    }

    private Answer call(byte[] about, byte[] input, ByteBuffer directInput, int offset, int length) {
        byte[] room = new byte[guess];
        byte[] label = new byte[Labels.SIZE];
        byte[][] longer = new byte[1][];
        long result;
        int cell = gate.enter();
        try {
            result = Native.call(
                    handle, about, input, directInput, offset, length, room, null, 0, room.length, longer, label);
        } finally {
            gate.leave(cell);
            Reference.reachabilityFence(this);
        }
        return new Answer(
                exactly((int) result, room, longer[0]), labels.of(label), RouteReason.of((int) (result >>> REASON_SHIFT)));
    }

    private byte[] exactly(int length, byte[] room, byte[] longer) {
        if (length == room.length) {
            return room;
        }
        guess = Math.min(length, MOST_GUESSED);
        return longer != null ? longer : Arrays.copyOf(room, length);
    }
}
