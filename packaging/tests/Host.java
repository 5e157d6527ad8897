import java.nio.file.Path;
import sogov.Engine;
import sogov.KeyId;
import sogov.SogovException;
import sogov.Status;

/** The same in Java: Host DIRECTORY ROOT_ID. */
public final class Host {
    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        KeyId root = KeyId.parse(arguments[1]);
        try (Engine engine = Engine.builder().trust(directory.resolve("trust")).rootKey(root).open()) {
            crashIsSeen(engine, directory.resolve("crash-v1.so"));
            engine.loadVersioned("fee", "v1", directory.resolve("fee-v1.so"));
            engine.promote("fee", "v1");
            var answer = engine.service("fee").call("amount=1234.56 currency=CNY".getBytes());
            System.out.println(answer.version() + ": " + answer.text());
        }
    }

    private static void crashIsSeen(Engine engine, Path plugin) {
        try {
            engine.loadVersioned("crash", "v1", plugin);
        } catch (SogovException refused) {
            if (refused.status() == Status.PREFLIGHT_FAILED) {
                return;
            }
            throw refused;
        }
        throw new IllegalStateException("WRONG: the preflight sees the crash");
    }
}
