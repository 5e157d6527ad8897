package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hot update: steps, state, shadow calls, cancelling. */
class UpdateTest {
    @TempDir
    private Path directory;
    private Release release;
    private Engine engine;

    /** The service counter: v1 stable, counted to 3. */
    @BeforeEach
    void open() throws Exception {
        release = new Release(directory);
        engine = release.builder().open();
        engine.loadVersioned("counter", "v1", release.signed(Release.zoo("counter_v1"), "counter", "v1"));
        engine.promote("counter", "v1");
        for (int i = 0; i < 3; i++) {
            engine.service("counter").call("add".getBytes());
        }
    }

    @AfterEach
    void close() {
        engine.close();
        release.close();
    }

    @Test
    void anUpdateMovesTheStateAndTellsItsSteps() {
        List<UpdateStep> steps = new ArrayList<>();
        UpdateOptions options = UpdateOptions.builder().state(UpdateState.HANDOVER).handover(Duration.ofSeconds(10))
                .change(Change.by("tests").because("a new schema"))
                .progress(progress -> {
                    if (progress.phase() == UpdatePhase.ENDS) {
                        steps.add(progress.step());
                    }
                    return true;
                }).build();
        VersionInfo updated = update("counter_v2", options);
        assertEquals(List.of("v2", Standing.STABLE), List.of(updated.version(), updated.standing()));
        assertEquals(List.of(UpdateStep.VERIFY, UpdateStep.PREFLIGHT, UpdateStep.LOAD, UpdateStep.IMPORT_STATE,
                UpdateStep.SELF_TEST, UpdateStep.HANDOVER, UpdateStep.DONE), steps);
        assertEquals("v2 3", get());
    }

    @Test
    void aVersionThatFailsUnderGrayIsTakenBack() {
        List<String> messages = new ArrayList<>();
        UpdateOptions options = UpdateOptions.builder().gray(GrayStep.ofCalls(10_000, 2)).onNoData(UpdateNoData.HOLD)
                .progress(progress -> {
                    if (progress.step() == UpdateStep.GRAY) {
                        assertEquals(10_000, progress.share());
                        try {
                            engine.service("counter").call("get".getBytes());
                        } catch (PluginException expected) {
                            return true;
                        }
                    }
                    if (progress.step() == UpdateStep.ROLLED_BACK) {
                        messages.add(progress.message());
                    }
                    return true;
                }).build();
        SogovException failure = assertThrows(SogovException.class, () -> update("counter_fails", options));
        assertEquals(Status.UPDATE_FAILED, failure.status());
        assertEquals(List.of("v1"), engine.versions("counter").stream().map(VersionInfo::version).toList());
        assertTrue(messages.get(0).contains("gray: expected at most 100 of 10000 calls to fail"), messages.get(0));
        assertEquals("v1 3", get());
    }

    @Test
    void shadowCallsFindWhatIsAnsweredOtherwise() {
        List<UpdateMismatch> mismatches = new ArrayList<>();
        UpdateOptions options = UpdateOptions.builder().shadow(5, 0, Duration.ofSeconds(60))
                .progress(progress -> {
                    if (progress.step() == UpdateStep.SHADOW && progress.mismatch().isEmpty()) {
                        assertEquals("a", engine.service("counter").call("echo a".getBytes()).text());
                    }
                    Optional<UpdateMismatch> mismatch = progress.mismatch();
                    mismatch.ifPresent(mismatches::add);
                    return true;
                }).build();
        assertEquals(Status.UPDATE_FAILED,
                assertThrows(SogovException.class, () -> update("counter_echo_differs", options)).status());
        UpdateMismatch one = mismatches.get(0);
        assertEquals(List.of(6L, 1L, 9L), List.of(one.requestLength(), one.expectedLength(), one.foundLength()));
        assertEquals(List.of(Digest.sm3("echo a".getBytes()), Digest.sm3("a".getBytes())),
                List.of(one.request(), one.expected()));
        assertEquals("v1 3", get());
    }

    @Test
    void theHostCancels() {
        UpdateOptions no = UpdateOptions.builder().progress(progress -> progress.step() != UpdateStep.LOAD).build();
        assertEquals(Status.CANCELLED, assertThrows(SogovException.class, () -> update("counter_v2", no)).status());
        IllegalStateException thrown = new IllegalStateException("of the host");
        UpdateOptions fails = UpdateOptions.builder().progress(progress -> {
            throw thrown;
        }).build();
        assertSame(thrown, assertThrows(IllegalStateException.class, () -> update("counter_v2", fails)));
        UpdateOptions closes = UpdateOptions.builder().progress(progress -> {
            engine.close();
            return true;
        }).build();
        assertThrows(BusyException.class, () -> update("counter_v2", closes));
        assertEquals("v1 3", get());
    }

    @Test
    void probationAndTheOtherOptionsReachTheEngine() {
        UpdateOptions options = UpdateOptions.builder().state(UpdateState.COPY).probation(2, Duration.ofMillis(1))
                .onNoData(UpdateNoData.PASS).toleratedFailures(1).drain(Duration.ofSeconds(1)).build();
        assertEquals("v2", update("counter_v2", options).version());
        assertThrows(IllegalArgumentException.class, () -> UpdateOptions.builder().gray(new GrayStep[65]));
    }

    private VersionInfo update(String plugin, UpdateOptions options) {
        return engine.update("counter", "v2", release.signed(Release.zoo(plugin), "counter", "v2"), options);
    }

    private String get() {
        return engine.service("counter").call("get".getBytes()).text();
    }
}
