package sogov;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;

/** How a version is to take over. What is not said keeps the default: load, test and promote at once. Immutable. */
public final class UpdateOptions {
    /** Loads, tests and promotes at once. */
    public static final UpdateOptions DEFAULT = builder().build();

    private static final int MOST_GRAY_STEPS = 64;

    private final Builder options;

    private UpdateOptions(Builder options) {
        this.options = options;
    }

    /**
     * Begins with the defaults.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    Follower follower() {
        return options.progress == null ? null : new Follower(options.progress);
    }

    /** What update.c reads. */
    Packer pack(Packer into) {
        into.text(options.change.actor()).text(options.change.reason()).path(options.signature);
        into.number(options.gray.size());
        options.gray.forEach(step -> step.pack(into));
        return into.number(options.shadowRequests).number(options.shadowMismatches).milliseconds(options.shadow)
                .number(options.probationCalls).milliseconds(options.probation)
                .number(options.state.number()).milliseconds(options.handover)
                .number(options.toleratedFailures).number(options.onNoData.number())
                .flag(options.keepFailed).milliseconds(options.drain)
                .flag(options.change.isDurable()).flag(options.isolated).path(options.sbom);
    }

    /** Collects options. For one thread. */
    public static final class Builder implements Cloneable {
        private Change change = Change.UNNAMED;
        private Path signature;
        private Path sbom;
        private List<GrayStep> gray = List.of();
        private long shadowRequests;
        private long shadowMismatches;
        private Duration shadow = Duration.ZERO;
        private long probationCalls;
        private Duration probation = Duration.ZERO;
        private UpdateState state = UpdateState.NONE;
        private Duration handover = Duration.ZERO;
        private int toleratedFailures;
        private UpdateNoData onNoData = UpdateNoData.FAIL;
        private boolean keepFailed;
        private Duration drain = Duration.ZERO;
        private boolean isolated;
        private Predicate<? super UpdateProgress> progress;

        private Builder() {}

        /**
         * Says who asks, and why; durable, the update returns only when the new state is on the disk.
         *
         * @param change actor, reason, durable
         * @return this
         */
        public Builder change(Change change) {
            this.change = Objects.requireNonNull(change, "change");
            return this;
        }

        /**
         * Names the signature file, which otherwise is the plugin's path with ".sogsig" behind it, if there is one.
         *
         * @param file the detached signature
         * @return this
         */
        public Builder signature(Path file) {
            signature = Objects.requireNonNull(file, "file");
            return this;
        }

        /**
         * Names the bill of materials that the plugin's statement binds; see {@link LoadOptions#sbom}.
         *
         * @param file CycloneDX or SPDX JSON
         * @return this
         */
        public Builder sbom(Path file) {
            sbom = Objects.requireNonNull(file, "file");
            return this;
        }

        /**
         * Gives the new version growing shares, one after the other. None with {@link UpdateState#HANDOVER}.
         *
         * @param steps at most 64
         * @return this
         */
        public Builder gray(GrayStep... steps) {
            if (steps.length > MOST_GRAY_STEPS) {
                throw new IllegalArgumentException("steps: expected at most 64, found " + steps.length);
            }
            gray = List.of(steps);
            return this;
        }

        /**
         * Sends the new version copies of requests, whose answers are compared. The plugin has to declare that it is
         * idempotent.
         *
         * @param requests how many
         * @param mismatches how many of them may be answered otherwise than by the stable version
         * @param timeout how long to wait for the requests; zero: 10 seconds
         * @return this
         */
        public Builder shadow(long requests, long mismatches, Duration timeout) {
            shadowRequests = requests;
            shadowMismatches = mismatches;
            shadow = Objects.requireNonNull(timeout, "timeout");
            return this;
        }

        /**
         * Lets the new version serve everybody for a while before it is promoted. With both 0 there is no probation.
         *
         * @param calls for how many calls
         * @param time for how long
         * @return this
         */
        public Builder probation(long calls, Duration time) {
            probationCalls = calls;
            probation = Objects.requireNonNull(time, "time");
            return this;
        }

        /**
         * Says what becomes of the old version's state.
         *
         * @param state none, a copy or a handover
         * @return this
         */
        public Builder state(UpdateState state) {
            this.state = Objects.requireNonNull(state, "state");
            return this;
        }

        /**
         * Says for how long requests may wait in a handover.
         *
         * @param timeout at most 60 seconds; zero: 1 second
         * @return this
         */
        public Builder handover(Duration timeout) {
            handover = Objects.requireNonNull(timeout, "timeout");
            return this;
        }

        /**
         * Says how many calls of the new version may fail in a gray step or in the probation.
         *
         * @param of10000 so many of 10,000; 0: 100
         * @return this
         */
        public Builder toleratedFailures(int of10000) {
            toleratedFailures = of10000;
            return this;
        }

        /**
         * Says what a step comes to that ends with fewer calls than it asks for.
         *
         * @param outcome fail, pass or hold
         * @return this
         */
        public Builder onNoData(UpdateNoData outcome) {
            onNoData = Objects.requireNonNull(outcome, "outcome");
            return this;
        }

        /**
         * Lets a version that failed stay loaded.
         *
         * @return this
         */
        public Builder keepFailed() {
            keepFailed = true;
            return this;
        }

        /**
         * Says for how long unloading a version that failed waits for leases.
         *
         * @param timeout zero: 5 seconds
         * @return this
         */
        public Builder drain(Duration timeout) {
            drain = Objects.requireNonNull(timeout, "timeout");
            return this;
        }

        /**
         * Gives the new version a namespace of its own; see {@link LoadOptions#isolated}.
         *
         * @return this
         */
        public Builder isolated() {
            isolated = true;
            return this;
        }

        /**
         * Follows the update, on the thread that called it: before and after each step, and at least every 50 ms where the
         * update waits, but not while requests wait in a handover. False cancels the update, until it is promoted; so does
         * an exception, which {@link Engine#update} throws then.
         *
         * @param follow answers whether the update goes on; may use the engine, but not close it
         * @return this
         */
        public Builder progress(Predicate<? super UpdateProgress> follow) {
            progress = Objects.requireNonNull(follow, "follow");
            return this;
        }

        /**
         * The options as they are now.
         *
         * @return options that later changes of this builder do not touch
         */
        public UpdateOptions build() {
            try {
                return new UpdateOptions((Builder) clone());
            } catch (CloneNotSupportedException never) {
                throw new AssertionError(never);
            }
        }
    }
}
