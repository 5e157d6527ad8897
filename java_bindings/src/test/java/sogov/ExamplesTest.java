package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs of README.md, and the payment host, which fails when a count is not as it must be. */
class ExamplesTest {
    private static final Path BINDINGS = Release.ROOT.resolve("java_bindings");
    private static final Path CLASSES = Path.of(System.getProperty("sogov.test.output"), "classes");

    @TempDir
    private Path directory;
    private Release release;

    /** What a release team hands over. */
    @BeforeEach
    void handOver() throws Exception {
        release = new Release(directory);
        Files.writeString(directory.resolve("root.id"), release.root.id() + "\n");
        for (String version : List.of("v1", "v2", "v3")) {
            release.signed(Release.fee(version), "fee", version);
        }
        byte[] tampered = Files.readAllBytes(directory.resolve("fee-v1.so"));
        tampered[4352] ^= 1;
        Files.write(directory.resolve("fee-tampered.so"), tampered);
        Files.copy(Release.fee("v1"), directory.resolve("fee-unsigned.so"));
    }

    @AfterEach
    void close() {
        release.close();
    }

    @Test
    void theProgramsOfTheReadmeRun() throws Exception {
        Matcher block = Pattern.compile("(?s)```java\n(.*?public class (\\w+).*?)```")
                .matcher(Files.readString(BINDINGS.resolve("README.md")));
        List<String> printed = new ArrayList<>();
        while (block.find()) {
            compile(List.of(Files.writeString(directory.resolve(block.group(2) + ".java"), block.group(1))));
            printed.addAll(run(block.group(2)).lines().toList());
        }
        assertEquals(3, printed.size(), printed.toString());
        assertTrue(printed.get(0).matches("v[12] fee=(6\\.17|5\\.56) currency=CNY tariff=v[12] (STABLE|FRACTION)"),
                printed.get(0));
        assertTrue(printed.get(1).startsWith("UNSIGNED fee-unsigned.so: "), printed.get(1));
        assertEquals("true", printed.get(2));
    }

    @Test
    void thePaymentHostTellsItsStoryAndFailsWhenSomethingIsNotRefused() throws Exception {
        try (Stream<Path> sources = Files.list(BINDINGS.resolve("examples"))) {
            compile(sources.filter(file -> file.toString().endsWith(".java")).toList());
        }
        String story = run("PaymentHost", "-v", ".");
        for (String line : List.of(
                "refuse +fee-tampered\\.so: .*SOGOV_STATUS_MODIFIED", "refuse +fee-unsigned\\.so: .*SOGOV_STATUS_UNSIGNED",
                "split +100000 calls by 50000 users in .* asked 20% on v2, found (19|20)\\.\\d\\d%",
                "sticky +0 of 50000 users", "header +1000 calls with x-env: gray: 1000 on v2", "rollback  v2 restored in",
                "lost calls: 0", "log info: promote fee: v2 by PaymentHost \\(a day without failures\\)",
                "end +every count is as it must be")) {
            assertTrue(Pattern.compile(line).matcher(story).find(), line + " in " + story);
        }
        Files.copy(directory.resolve("fee-unsigned.so"), directory.resolve("fee-tampered.so"),
                StandardCopyOption.REPLACE_EXISTING);
        IOException wrong = assertThrows(IOException.class, () -> run("PaymentHost", "."));
        assertTrue(wrong.getMessage().contains("WRONG     fee-tampered.so: expected MODIFIED"), wrong.getMessage());
    }

    private void compile(List<Path> sources) {
        List<String> arguments = new ArrayList<>(List.of(
                "--release", "17", "-Xlint:all", "-Werror", "-cp", CLASSES.toString(), "-d", directory.toString()));
        sources.forEach(source -> arguments.add(source.toString()));
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(String[]::new)));
    }

    private String run(String program, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "env", "-C", directory.toString(), Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-cp", CLASSES + ":" + directory, program));
        command.addAll(List.of(arguments));
        return Release.run(command.toArray(String[]::new));
    }
}
