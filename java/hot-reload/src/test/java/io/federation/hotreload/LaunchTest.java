package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LaunchTest {

    @TempDir
    Path root;

    private FakeMachine machine;

    @BeforeEach
    void aShellStartedUs() throws IOException {
        machine = new FakeMachine(root);
        machine.process(1, 0, "systemd", root, "/sbin/init");
        machine.process(600, 1, "bash", root, "-bash");
        machine.process(700, 600, "java", root, "java", "-jar", "server.jar");
    }

    private Launch launch(long pid, Map<String, String> environment) {
        return Launch.recognise(environment, pid, machine.proc, root);
    }

    @Test
    void aShellIsAProgramLikeOthers() {
        assertEquals(Launch.PLAIN, launch(700, Map.of()));
    }

    @Test
    void pidOneEndsItsContainer() {
        assertEquals(Launch.PID_1, launch(1, Map.of("KUBERNETES_SERVICE_HOST", "10.0.0.1")));
    }

    @Test
    void theMainProcessOfAContainerIsSeenInItsParent() throws IOException {
        machine.process(20, 0, "java", root, "java", "-jar", "server.jar");
        machine.process(21, 1, "java", root, "java", "-jar", "server.jar");
        assertEquals(Launch.PLAIN, launch(21, Map.of()), "an orphan on a machine without containers");
        for (long pid : List.of(20L, 21L)) {
            assertEquals(Launch.KUBERNETES, launch(pid, Map.of("KUBERNETES_SERVICE_HOST", "10.0.0.1")));
            assertEquals(Launch.CONTAINER, launch(pid, Map.of("container", "podman")));
        }
        Files.createDirectories(root.resolve("run"));
        Path mark = Files.createFile(root.resolve("run/.containerenv"));
        assertEquals(Launch.CONTAINER, launch(21, Map.of()));
        Files.delete(mark);
        Files.createFile(root.resolve(".dockerenv"));
        assertEquals(Launch.CONTAINER, launch(21, Map.of()));
    }

    @Test
    void nothingStartsASuccessorAgain() throws IOException {
        machine.process(21, 1, "java", root, "java", "-jar", "server.jar");
        Map<String, String> inherited =
                Map.of("container", "podman", "KUBERNETES_SERVICE_HOST", "10.0.0.1", "HOT_RELOAD_SUCCESSOR", "0");
        assertEquals(Launch.PLAIN, launch(21, inherited), "its parent has ended, and the container's init adopted it");
        assertEquals(Launch.PID_1, launch(1, inherited));
    }

    @Test
    void aShellInsideOfAContainerStartsNothingAgain() {
        assertEquals(Launch.PLAIN, launch(700, Map.of("container", "podman", "KUBERNETES_SERVICE_HOST", "10.0.0.1")));
    }

    @Test
    void aScriptThatIsPidOneEndsWithItsContainer() throws IOException {
        Path inside = Files.createDirectories(root.resolve("inside"));
        Files.createFile(inside.resolve("run.sh"));
        FakeMachine container = new FakeMachine(inside);
        container.process(1, 0, "run.sh", inside, "/bin/sh", "run.sh");
        container.process(7, 1, "java", inside, "java", "-jar", "server.jar");
        assertEquals(Launch.PID_1, Launch.recognise(Map.of(), 7, container.proc, inside));
    }

    @Test
    void aSupervisorIsSeenByItsName() throws IOException {
        machine.process(900, 1, "s6-supervise", root, "s6-supervise", "server");
        machine.process(901, 900, "java", root, "java", "-jar", "server.jar");
        assertEquals(Launch.SUPERVISOR, launch(901, Map.of()));
    }

    @Test
    void systemdNamesTheProcessItStarted() {
        assertEquals(Launch.SYSTEMD, launch(700, Map.of("INVOCATION_ID", "ab", "SYSTEMD_EXEC_PID", "700")));
        assertEquals(Launch.SYSTEMD, launch(700, Map.of("NOTIFY_SOCKET", "/run/n", "SYSTEMD_EXEC_PID", "700")));
    }

    @Test
    void aVariableInheritedFromAUnitProvesNothing() {
        // A terminal, a CI runner, the sidecar's own unit.
        assertEquals(Launch.PLAIN, launch(700, Map.of("INVOCATION_ID", "ab", "SYSTEMD_EXEC_PID", "600")));
        assertEquals(Launch.PLAIN, launch(700, Map.of("INVOCATION_ID", "ab", "SYSTEMD_EXEC_PID", "42")));
        assertEquals(Launch.PLAIN, launch(700, Map.of("INVOCATION_ID", "ab")));
    }

    @Test
    void aScriptOfAUnitThatForksIsTheUnit() throws IOException {
        Files.createFile(root.resolve("run.sh"));
        machine.process(800, 1, "run.sh", root, "/bin/sh", "./run.sh");
        machine.process(801, 800, "java", root, "java", "-jar", "server.jar");
        assertEquals(Launch.SYSTEMD, launch(801, Map.of("INVOCATION_ID", "ab", "SYSTEMD_EXEC_PID", "800")));
    }

    @Test
    void anOlderSystemdIsSeenAsTheParent() throws IOException {
        machine.process(900, 1, "java", root, "java", "-jar", "server.jar");
        assertEquals(Launch.SYSTEMD, launch(900, Map.of("INVOCATION_ID", "ab")));
    }
}
