package sogov;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.Cleaner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds and loads libsogov_jni.so, which brings libsogov.so.0 with it from the directory that it lies in, or else from where
 * the system looks. The first of these that is there:
 *
 * <ol>
 * <li>the directory, or the file libsogov_jni.so, that the system property {@code sogov.library.path} names; nothing else
 *     is tried then
 * <li>where the JVM looks: {@code java.library.path}
 * <li>both libraries out of the jar, copied to a fresh directory below that of the system property {@code sogov.tmpdir}, or
 *     else of {@code java.io.tmpdir}, and deleted when the JVM ends
 * </ol>
 */
final class Natives {
    /** Frees what was never closed; a thread of its own, as the end of an engine may take seconds. */
    static final Cleaner CLEANER = Cleaner.create();

    static final String PATH_PROPERTY = "sogov.library.path";
    static final String TMPDIR_PROPERTY = "sogov.tmpdir";

    private static final String BRIDGE = "sogov_jni";
    private static final String FILE = "libsogov_jni.so";
    private static final String LIBRARY = "libsogov.so.0";
    private static final String IN_JAR = "/META-INF/native/linux-x86_64/";
    /** A change of the minor version may change the ABI: 0.x. */
    private static final int MINOR = 1000;

    /** The places that were tried, each with what was found there. */
    private final List<String> tried = new ArrayList<>();

    private Natives() {}

    /** UnsatisfiedLinkError that names every place where they are not. */
    static void load() {
        Natives natives = new Natives();
        if (!natives.isLoaded()) {
            throw new UnsatisfiedLinkError("sogov: found no natives that can be loaded\n  "
                    + String.join("\n  ", natives.tried));
        }
        checkVersion(Native.headerVersion(), Native.libraryVersion());
    }

    static void checkVersion(int header, int library) {
        if (library / MINOR != header / MINOR || library < header) {
            throw new UnsatisfiedLinkError("sogov: expected a libsogov.so.0 of version " + text(header)
                    + " or a later one of the same minor version, found " + text(library));
        }
    }

    private boolean isLoaded() {
        String given = System.getProperty(PATH_PROPERTY, "");
        if (!given.isEmpty()) {
            return isLoadedFrom(given);
        }
        return isLoadedBySystem() || isLoadedFromJar();
    }

    private boolean isLoadedFrom(String given) {
        Path path = Path.of(given).toAbsolutePath();
        Path file = Files.isDirectory(path) ? path.resolve(FILE) : path;
        return isLoaded("-D" + PATH_PROPERTY + "=" + given, file);
    }

    private boolean isLoadedBySystem() {
        try {
            System.loadLibrary(BRIDGE);
            return true;
        } catch (UnsatisfiedLinkError none) {
            note("java.library.path, " + System.getProperty("java.library.path"), none);
            return false;
        }
    }

    private boolean isLoadedFromJar() {
        String place = "the jar, " + IN_JAR;
        if (Natives.class.getResource(IN_JAR + FILE) == null || Natives.class.getResource(IN_JAR + LIBRARY) == null) {
            tried.add(place + ": does not hold " + FILE + " and " + LIBRARY
                    + " (only linux-x86_64 with glibc is built; this is " + System.getProperty("os.name") + ", "
                    + System.getProperty("os.arch") + ")");
            return false;
        }
        String parent = System.getProperty(TMPDIR_PROPERTY, System.getProperty("java.io.tmpdir"));
        try {
            // Of the user alone: nobody else can put a library there.
            Path directory = Files.createTempDirectory(Path.of(parent), "sogov-");
            // Until the end, as a preflight opens the library's file; in the reverse of this order.
            directory.toFile().deleteOnExit();
            for (String name : new String[] {LIBRARY, FILE}) {
                directory.resolve(name).toFile().deleteOnExit();
                copy(name, directory);
            }
            return isLoaded(place + ", copied to " + directory, directory.resolve(FILE));
        } catch (IOException failure) {
            tried.add(place + ", copied to " + parent + ": " + failure
                    + "; -D" + TMPDIR_PROPERTY + " names another directory");
            return false;
        }
    }

    private boolean isLoaded(String place, Path file) {
        try {
            System.load(file.toString());
            return true;
        } catch (UnsatisfiedLinkError failure) {
            note(place, failure);
            return false;
        }
    }

    private void note(String place, UnsatisfiedLinkError failure) {
        tried.add(place + ": " + failure.getMessage() + hint(String.valueOf(failure.getMessage())));
    }

    /** What the JVM's and the dynamic linker's messages do not say. */
    static String hint(String message) {
        if (message.contains("failed to map segment") || message.contains("Operation not permitted")) {
            return ". The directory is probably on a file system that is mounted noexec: -D" + TMPDIR_PROPERTY
                    + " names another one for what is in the jar, -D" + PATH_PROPERTY + " one with both libraries";
        }
        if (message.contains("already loaded in another classloader")) {
            return ". A JVM loads a library for one class loader only: put the jar where the loaders have a parent in"
                    + " common, or let each take its natives from the jar";
        }
        return "";
    }

    private static void copy(String name, Path directory) throws IOException {
        try (InputStream content = Natives.class.getResourceAsStream(IN_JAR + name)) {
            Files.copy(content, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static String text(int version) {
        return version / (MINOR * MINOR) + "." + version / MINOR % MINOR + "." + version % MINOR;
    }
}
