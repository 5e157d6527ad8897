package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the natives are found, in JVMs of their own, and what is said when they are not. */
class NativesTest {
    private static final Path CLASSES = Path.of(System.getProperty("sogov.test.output"), "classes");
    private static final Path NATIVES = CLASSES.resolve("META-INF/native/linux-x86_64");

    @TempDir
    private Path directory;

    /** What the JVMs run. */
    public static final class Program {
        private Program() {}

        /** Prints the library's version, or why it cannot. */
        public static void main(String[] arguments) {
            try {
                System.out.println("version " + Sogov.version());
            } catch (UnsatisfiedLinkError failure) {
                System.out.println(failure.getMessage());
            }
        }
    }

    /** A host, whose engine tries a plugin in a child process. */
    public static final class Governs {
        private static final byte[] PAYMENT = "amount=1234.56 currency=CNY".getBytes();

        private Governs() {}

        /** Calls the plugin fee. */
        public static void main(String[] arguments) {
            try (Engine engine = Engine.builder().trust(Path.of(arguments[0])).open()) {
                engine.loadVersioned("fee", "v1", Path.of(arguments[1]));
                engine.promote("fee", "v1");
                System.out.println(engine.service("fee").call(PAYMENT).text());
            }
        }
    }

    /** Two class loaders, each with the package. */
    public static final class TwoLoaders {
        private TwoLoaders() {}

        /** Prints what each finds. */
        public static void main(String[] arguments) throws Exception {
            URL[] path = {Path.of(arguments[0]).toUri().toURL()};
            for (int i = 0; i < 2; i++) {
                URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader());
                try {
                    System.out.println("version "
                            + Class.forName("sogov.Sogov", true, loader).getMethod("version").invoke(null));
                } catch (java.lang.reflect.InvocationTargetException failure) {
                    System.out.println(failure.getCause());
                }
            }
        }
    }

    @Test
    void anExplicitDirectoryOrFile() throws Exception {
        assertEquals("version 0.1.0", run("-Dsogov.library.path=" + NATIVES));
        assertEquals("version 0.1.0", run("-Dsogov.library.path=" + NATIVES.resolve("libsogov_jni.so")));
        String missing = run("-Dsogov.library.path=" + directory);
        assertTrue(missing.contains("-Dsogov.library.path=" + directory + ": "), missing);
        assertEquals(2, missing.lines().count(), missing);
    }

    @Test
    void theSystemsDirectories() throws Exception {
        assertEquals("version 0.1.0", run("-Djava.library.path=" + NATIVES, "-Dsogov.tmpdir=/nowhere"));
    }

    @Test
    void theJar() throws Exception {
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        try (Release release = new Release(directory)) {
            Path plugin = release.signed(Release.fee("v1"), "fee", "v1");
            List<String> options = List.of("-Dsogov.tmpdir=" + temporary);
            String said = run(options, Governs.class.getName(), release.trust().toString(), plugin.toString());
            assertEquals(Release.PRICE_V1, said.strip());
        }
        try (Stream<Path> left = Files.list(temporary)) {
            assertEquals(List.of(), left.toList());
        }
        String nowhere = run("-Djava.io.tmpdir=" + directory.resolve("nowhere"));
        assertTrue(nowhere.contains("java.library.path, "), nowhere);
        assertTrue(nowhere.contains("copied to " + directory.resolve("nowhere")), nowhere);
        assertTrue(nowhere.contains("-Dsogov.tmpdir names another directory"), nowhere);
    }

    /** Of a real file system that is mounted noexec, where mounting is allowed; otherwise of the linker's words. */
    @Test
    void aTemporaryDirectoryThatIsMountedNoexec() throws Exception {
        List<String> elsewhere = List.of("unshare", "--map-root-user", "--mount");
        String mount = "mount -t tmpfs -o noexec none '" + directory + "'";
        String program = "'" + String.join("' '", command(
                List.of("-Dsogov.tmpdir=" + directory), Program.class.getName())) + "'";
        String said;
        if (isDone(elsewhere, mount)) {
            said = runIn(elsewhere, mount + "\n" + program);
            assertTrue(said.contains("copied to " + directory), said);
        } else {
            said = Natives.hint("libsogov_jni.so: failed to map segment from shared object");
        }
        assertTrue(said.contains("mounted noexec: -Dsogov.tmpdir names another one"), said);
    }

    @Test
    void twoClassLoaders() throws Exception {
        List<String> fromJar = run(List.of(), TwoLoaders.class.getName(), CLASSES + "/").lines().toList();
        assertEquals(List.of("version 0.1.0", "version 0.1.0"), fromJar);
        String explicit = run(List.of("-Dsogov.library.path=" + NATIVES), TwoLoaders.class.getName(), CLASSES + "/");
        assertTrue(explicit.startsWith("version 0.1.0\n"), explicit);
        assertTrue(explicit.contains("A JVM loads a library for one class loader only"), explicit);
    }

    @Test
    void aLibraryOfAnotherVersionIsRefused() {
        Natives.checkVersion(1_000, 1_000);
        Natives.checkVersion(1_000, 1_007);
        for (int library : new int[] {2_000, 1_001_000, 999}) {
            String said = assertThrows(UnsatisfiedLinkError.class, () -> Natives.checkVersion(1_000, library)).getMessage();
            assertTrue(said.contains("expected a libsogov.so.0 of version 0.1.0"), said);
        }
    }

    private static boolean isDone(List<String> elsewhere, String steps) throws InterruptedException {
        try {
            runIn(elsewhere, steps);
            return true;
        } catch (IOException refused) {
            return false;
        }
    }

    private static String runIn(List<String> elsewhere, String steps) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(elsewhere);
        command.addAll(List.of("sh", "-euc", steps));
        return Release.run(command.toArray(String[]::new));
    }

    private static String run(String... options) throws IOException, InterruptedException {
        return run(List.of(options), Program.class.getName()).strip();
    }

    private static String run(List<String> options, String program, String... arguments)
            throws IOException, InterruptedException {
        return Release.run(command(options, program, arguments).toArray(String[]::new));
    }

    private static List<String> command(List<String> options, String program, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xmx64m", "-Xshare:auto", "-cp",
                CLASSES + ":" + Path.of(System.getProperty("sogov.test.output"), "test-classes")));
        command.addAll(options);
        command.add(program);
        command.addAll(List.of(arguments));
        return command;
    }
}
