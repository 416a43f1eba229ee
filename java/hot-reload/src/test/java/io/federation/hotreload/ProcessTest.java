package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real JVM that stays, ends or exits. */
class ProcessTest {

    @TempDir
    Path folder;

    private Machine machine;

    @BeforeEach
    void aMachine() throws IOException {
        machine = new Machine(folder);
    }

    @AfterEach
    void endIt() {
        machine.close();
    }

    @Test
    void restartsInTheJvmOnHangup() throws Exception {
        machine.start(machine.java(machine.options()));
        long pid = machine.awaitServing();
        for (int generation = 2; generation < 5; generation++) {
            machine.signal(pid, "HUP");
            String expected = Integer.toString(generation);
            Waiting.until("generation " + expected, () -> machine.ask("/generation").equals(expected));
        }
        assertEquals(pid, machine.awaitServing());
    }

    @Test
    void closesWhenItIsTerminated() throws Exception {
        machine.start(machine.java(machine.options()));
        machine.signal(machine.awaitServing(), "TERM");
        assertEquals(143, machine.exitCode());
        assertTrue(machine.output().contains("probe: closes"), machine.output());
    }

    @Test
    void isStartedAgainByItsSupervisor() throws Exception {
        // A script is known by its file's name: this one counts as a supervisor.
        Path supervise = Files.writeString(folder.resolve("supervise"),
                "#!/bin/sh\nwhile \"$@\"; code=$?; echo \"it ended with $code\"; [ $code = 75 ]; do :; done\n");
        assertTrue(supervise.toFile().setExecutable(true));
        List<String> words = new ArrayList<>(List.of(supervise.toString()));
        words.addAll(machine.java(machine.options("-Dprobe.unrestartable=true")));
        machine.start(words);
        long before = machine.awaitServing();
        machine.signal(before, "HUP");
        Waiting.until("another process serves", () -> machine, () -> Long.parseLong(machine.ask("/pid")) != before);
        assertTrue(machine.output().contains("exit with 75, to be started again by its supervisor"), machine.output());
        assertTrue(machine.output().contains("it ended with 75"), machine.output());
        assertEquals(2, machine.alive().size(), () -> "the supervisor and one program; " + machine);
    }

    @Test
    void exitsWithAnotherCodeWhereThatIsSet() throws Exception {
        machine.builder.environment().put("HOT_RELOAD_MODE", "exit");
        machine.builder.environment().put("HOT_RELOAD_EXIT_CODE", "42");
        machine.start(machine.java(machine.options()));
        machine.signal(machine.awaitServing(), "HUP");
        assertEquals(42, machine.exitCode());
    }

    @Test
    void saysWhichSettingIsWrong() throws Exception {
        machine.builder.environment().put("HOT_RELOAD_LISTEN", "0.0.0.0:9100");
        Process process = machine.builder.command(machine.java(machine.options())).start();
        assertEquals(78, process.waitFor());
        assertEquals("hot-reload: hotreload.listen is \"0.0.0.0:9100\": only a loopback address is accepted, such as "
                + "127.0.0.1:9100\n", Files.readString(machine.err));
    }

    @Test
    void continuesWithoutHangupUnderNohup() throws Exception {
        List<String> words = new ArrayList<>(List.of("nohup"));
        words.addAll(machine.java(machine.options()));
        machine.start(words);
        long pid = machine.awaitServing();
        machine.signal(pid, "HUP");
        assertEquals("1", machine.askNow("/generation"));
        assertTrue(machine.output().contains("SIGHUP restarts nothing here"), machine.output());
    }

    @Test
    void runsWithoutTheModuleOfSignals() throws Exception {
        // As in a native image or a jlinked runtime that lacks jdk.unsupported.
        List<String> options = machine.options("--limit-modules", "java.base,jdk.httpserver");
        machine.start(machine.java(options));
        assertTrue(machine.output().contains("SIGHUP restarts nothing here: NoClassDefFoundError"), machine.output());
    }

    @Test
    void restartsThroughTheEndpointInANewProcess() throws Exception {
        int port = Machine.freePort();
        Files.writeString(folder.resolve("token"), "secret");
        machine.start(machine.java(machine.options("-Dhotreload.mode=exec", "-Dhotreload.listen=127.0.0.1:" + port,
                "-Dhotreload.token.file=token")));
        long before = machine.awaitServing();
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/hot-reload"))
                .header("Authorization", "Bearer secret");
        HttpClient client = HttpClient.newHttpClient();
        assertEquals(202, client.send(request.POST(HttpRequest.BodyPublishers.noBody()).build(), BodyHandlers.discarding())
                .statusCode());
        Waiting.until("the successor reports its pid", () -> machine, () -> {
            String body = client.send(request.GET().build(), BodyHandlers.ofString()).body();
            return body.contains("\"state\": \"running\", \"generation\": 1,") && !body.contains("\"pid\": " + before + ",");
        });
        assertEquals(0, machine.exitCode());
    }
}
