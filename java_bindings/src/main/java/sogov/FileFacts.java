package sogov;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;

/** What a signer states of a plugin file. Immutable. */
public final class FileFacts {
    private final Builder facts;

    private FileFacts(Builder facts) {
        this.facts = facts;
    }

    /**
     * Begins the facts.
     *
     * @param service the service that may run the plugin
     * @param version the label under which it may run
     * @return a builder
     */
    public static Builder builder(String service, String version) {
        return new Builder(service, version);
    }

    /** What file.c reads behind the paths. */
    Packer pack(Packer into) {
        return into.text(facts.service).text(facts.version).text(facts.name).text(facts.semver).text(facts.issuer)
                .data(facts.userId).number(facts.epoch).number(facts.notBefore).number(facts.notAfter)
                .flag(facts.detached).path(facts.sbom);
    }

    /** Collects facts. For one thread. */
    public static final class Builder implements Cloneable {
        private final String service;
        private final String version;
        private String name = "";
        private String semver = "";
        private String issuer = "";
        private byte[] userId;
        private long epoch;
        private long notBefore;
        private long notAfter;
        private boolean detached;
        private Path sbom;

        private Builder(String service, String version) {
            this.service = Objects.requireNonNull(service, "service");
            this.version = Objects.requireNonNull(version, "version");
        }

        /**
         * States the epoch: a number that grows with each release and that a trust policy can demand a minimum of.
         *
         * @param epoch unsigned; 0 unless stated
         * @return this
         */
        public Builder epoch(long epoch) {
            this.epoch = epoch;
            return this;
        }

        /**
         * States the package.
         *
         * @param purl a package URL, such as "pkg:generic/fee@1.4.2"
         * @return this
         */
        public Builder name(String purl) {
            name = Objects.requireNonNull(purl, "purl");
            return this;
        }

        /**
         * States the semantic version.
         *
         * @param semver such as "1.4.2"
         * @return this
         */
        public Builder semver(String semver) {
            this.semver = Objects.requireNonNull(semver, "semver");
            return this;
        }

        /**
         * States who issues the plugin.
         *
         * @param issuer a name
         * @return this
         */
        public Builder issuer(String issuer) {
            this.issuer = Objects.requireNonNull(issuer, "issuer");
            return this;
        }

        /**
         * States from when on the statement is valid.
         *
         * @param time in whole seconds, after 1970; always unless stated
         * @return this
         */
        public Builder notBefore(Instant time) {
            notBefore = seconds(time);
            return this;
        }

        /**
         * States until when the statement is valid.
         *
         * @param time in whole seconds, after 1970; for ever unless stated
         * @return this
         */
        public Builder notAfter(Instant time) {
            notAfter = seconds(time);
            return this;
        }

        /**
         * Signs by another SM2 user id than the default.
         *
         * @param id at most 8,191 bytes; none is the empty id
         * @return this
         */
        public Builder userId(byte[] id) {
            userId = id.clone();
            return this;
        }

        /**
         * Leaves the plugin as it is and writes the signature to a file of its own.
         *
         * @return this
         */
        public Builder detached() {
            detached = true;
            return this;
        }

        /**
         * Binds a bill of materials. Loading looks for it at the plugin's path with ".sbom.json" behind it; it is not moved
         * there.
         *
         * @param file CycloneDX or SPDX JSON
         * @return this
         */
        public Builder sbom(Path file) {
            sbom = Objects.requireNonNull(file, "file");
            return this;
        }

        /**
         * The facts as they are now.
         *
         * @return facts that later changes of this builder do not touch
         */
        public FileFacts build() {
            try {
                return new FileFacts((Builder) clone());
            } catch (CloneNotSupportedException never) {
                throw new AssertionError(never);
            }
        }

        private static long seconds(Instant time) {
            // 0 stands for no limit.
            if (time.getEpochSecond() <= 0) {
                throw new IllegalArgumentException("time: expected one after 1970-01-01T00:00:00Z, found " + time);
            }
            return time.getEpochSecond();
        }
    }
}
