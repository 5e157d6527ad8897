package sogov;

import java.nio.file.Path;
import java.util.Objects;

/** How a plugin file is loaded. Immutable. */
public final class LoadOptions {
    /** The signature is in the file or beside it, the namespace that of the program. */
    public static final LoadOptions DEFAULT = new LoadOptions(Change.UNNAMED, null, null, false);

    private final Change change;
    private final Path signature;
    private final Path sbom;
    private final boolean isolated;

    private LoadOptions(Change change, Path signature, Path sbom, boolean isolated) {
        this.change = Objects.requireNonNull(change, "change");
        this.signature = signature;
        this.sbom = sbom;
        this.isolated = isolated;
    }

    /**
     * Says who asks, and why.
     *
     * @param change actor and reason
     * @return other options
     */
    public LoadOptions change(Change change) {
        return new LoadOptions(change, signature, sbom, isolated);
    }

    /**
     * Names the signature file, which otherwise is the plugin's path with ".sogsig" behind it, if there is one.
     *
     * @param file the detached signature
     * @return other options
     */
    public LoadOptions signature(Path file) {
        return new LoadOptions(change, Objects.requireNonNull(file, "file"), sbom, isolated);
    }

    /**
     * Names the bill of materials that the plugin's statement binds, which otherwise is the plugin's path with
     * ".sbom.json" behind it.
     *
     * @param file CycloneDX or SPDX JSON
     * @return other options
     */
    public LoadOptions sbom(Path file) {
        return new LoadOptions(change, signature, Objects.requireNonNull(file, "file"), isolated);
    }

    /**
     * Gives the plugin and the libraries that it needs a namespace of their own, with a C library of their own, so that
     * their names and statics meet nobody's. For plugins in C without threads, streams and the C++ runtime: others are
     * refused with {@link Status#UNSUPPORTED}. At most 8 versions of a process at the same time.
     *
     * @return other options
     */
    public LoadOptions isolated() {
        return new LoadOptions(change, signature, sbom, true);
    }

    Packer pack(Packer into) {
        return change.pack(into, 0, signature, false, isolated, sbom);
    }
}
