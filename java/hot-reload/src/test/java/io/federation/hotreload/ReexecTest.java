package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real JVM that starts a real successor. */
class ReexecTest {

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

    private List<String> exec(String... more) {
        List<String> options = machine.options(more);
        options.add("-Dhotreload.mode=exec");
        return options;
    }

    private Path script(String name, String... lines) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + String.join("\n", lines) + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file;
    }

    @Test
    void keepsStreamsFolderEnvironmentOptionsAndArguments() throws Exception {
        String odd = "new\nline";
        machine.builder.environment().put("PROBE_TEXT", "two words");
        machine.start(machine.java(exec("-Dprobe.text=a b"), "x y", "", odd, "$(z) '\""));
        long first = machine.awaitServing();
        String session = Long.toString(Machine.proc().session(first));
        long second = machine.restartInANewProcess();

        assertEquals(0, machine.exitCode());
        assertEquals("x y||" + odd + "|$(z) '\"", machine.askNow("/args"));
        assertEquals("a b", machine.askNow("/property"));
        assertEquals("two words", machine.askNow("/variable"));
        assertEquals("1", machine.askNow("/generation"));
        assertEquals(Machine.texts(Machine.proc().environment(first)).size(), 0, "the old one is gone");
        assertEquals(Optional.of(folder.toRealPath()), Machine.proc().directory(second));
        assertEquals(session, Long.toString(Machine.proc().session(second)), "a survivor in the same session");
        assertTrue(machine.output().contains("probe: serves " + second), machine.output());
        assertTrue(Files.readString(machine.err).contains("probe: on stderr " + second));
        assertTrue(machine.output().contains("hot-reload: process " + second + " takes over"), machine.output());
        machine.signal(second, "TERM");
        Waiting.until("the successor ends", () -> machine.alive().isEmpty());
        assertTrue(machine.output().contains("probe: closes " + second), machine.output());
    }

    @Test
    void passesOnStandardInput() throws Exception {
        // A named pipe: Java closes its own pipe as soon as the process that it launched exits.
        Path pipe = folder.resolve("in");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        try (RandomAccessFile in = new RandomAccessFile(pipe.toFile(), "rw")) {
            machine.builder.redirectInput(pipe.toFile());
            machine.start(machine.java(exec()));
            machine.restartInANewProcess();
            in.write("hello\n".getBytes(StandardCharsets.UTF_8));
            assertEquals("hello", machine.askNow("/stdin"));
        }
    }

    @Test
    void keepsTheWholeEnvironment() throws Exception {
        // Names that a shell would drop; Kubernetes and Spring use such names.
        machine.builder.environment().put("probe.dotted-name", "kept");
        machine.start(machine.java(exec()));
        List<String> before = Machine.texts(Machine.proc().environment(machine.awaitServing()));
        List<String> after = Machine.texts(Machine.proc().environment(machine.restartInANewProcess()));
        assertTrue(after.remove("HOT_RELOAD_SUCCESSOR=0"), "the successor is marked as one");
        before.sort(null);
        after.sort(null);
        assertEquals(before, after);
        assertTrue(after.contains("probe.dotted-name=kept"));
    }

    @Test
    void keepsAnArgumentsFile() throws Exception {
        Files.writeString(folder.resolve("options"), "-Dprobe.text=\"from the file\"\n");
        List<String> options = exec();
        options.add("@options");
        machine.start(machine.java(options));
        machine.restartInANewProcess();
        assertEquals("from the file", machine.askNow("/property"));
    }

    @Test
    void keepsBytesThatTheLocaleCannotWrite() throws Exception {
        Path launch = script("launch.sh", "exec \"$@\" \"$(printf 'f\\303\\274r \\377 .')\" \"last\"");
        machine.builder.environment().put("LC_ALL", "C");
        List<String> words = new ArrayList<>(List.of(launch.toString()));
        words.addAll(machine.java(exec()));
        machine.start(words);
        long second = machine.restartInANewProcess();
        List<String> arguments = Machine.texts(Machine.proc().arguments(second));
        assertEquals("f\u00c3\u00bcr \u00ff .", arguments.get(arguments.size() - 2));
    }

    @Test
    void leavesOneProcessAfterFive() throws Exception {
        machine.start(machine.java(exec()));
        for (int i = 0; i < 5; i++) {
            long pid = machine.restartInANewProcess();
            assertEquals(List.of(pid), machine.alive());
        }
        assertEquals(0, machine.exitCode());
    }

    @Test
    void isTheChoiceOfAProgramThatCannotRestart() throws Exception {
        machine.start(machine.java(machine.options("-Dprobe.unrestartable=true")));
        machine.restartInANewProcess();
        assertEquals(0, machine.exitCode());
    }

    @Test
    void repeatsAJar() throws Exception {
        Path jar = jar();
        List<String> words = new ArrayList<>(List.of(Machine.java()));
        words.addAll(exec());
        words.addAll(List.of("-jar", folder.relativize(jar).toString(), "x"));
        machine.start(words);
        machine.restartInANewProcess();
        assertEquals("x", machine.askNow("/args"));
    }

    // A jar of nothing but a manifest: the classes are where the class path says.
    private Path jar() throws IOException {
        Path jar = folder.resolve("a server.jar");
        java.util.jar.Manifest manifest = new java.util.jar.Manifest();
        StringBuilder path = new StringBuilder();
        for (String entry : System.getProperty("java.class.path").split(":")) {
            path.append(Path.of(entry).toUri()).append(' ');
        }
        manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
        manifest.getMainAttributes().putValue("Main-Class", Probe.class.getName());
        manifest.getMainAttributes().putValue("Class-Path", path.toString());
        new java.util.jar.JarOutputStream(Files.newOutputStream(jar), manifest).close();
        return jar;
    }

    @Test
    void repeatsTheJavaThatAScriptBecame() throws Exception {
        Path run = script("run.sh", "export PROBE_COUNTED=${PROBE_COUNTED:-}x", "exec \"$@\"");
        List<String> words = new ArrayList<>(List.of(run.toString()));
        words.addAll(machine.java(exec()));
        machine.start(words);
        long pid = machine.restartInANewProcess();
        assertEquals(0, machine.exitCode());
        assertEquals("x", machine.askNow("/counted"), "what the script had made is kept, and made once");
        assertEquals(List.of(pid), machine.alive());
    }

    @Test
    void repeatsTheScriptThatForked() throws Exception {
        script("run.sh", "echo script starts", "export PROBE_COUNTED=${PROBE_COUNTED:-}x", "\"$@\"", "code=$?",
                "echo script ends with $code", "exit $code");
        List<String> words = new ArrayList<>(List.of("./run.sh"));
        words.addAll(machine.java(exec(), "x y"));
        machine.start(words);
        for (int i = 0; i < 3; i++) {
            machine.restartInANewProcess();
            int times = i + 1;
            Waiting.until("the old script ends", () -> machine, () -> count("script ends with 0") == times);
            assertEquals(times + 1, count("script starts"));
            assertEquals("x", machine.askNow("/counted"), "the script starts from what it was given");
            assertEquals("x y", machine.askNow("/args"));
            Waiting.until("there are a script and its Java", () -> machine, () -> machine.alive().size() == 2);
        }
        assertEquals(0, machine.exitCode());
    }

    private long count(String line) throws IOException {
        return machine.output().lines().filter(line::equals).count();
    }

    @Test
    void keepsAVariableOfAScriptThatTheLocaleCannotWrite() throws Exception {
        script("run.sh", "\"$@\"", "exit $?");
        Path launch = script("launch.sh", "PROBE_TEXT=$(printf 'f\\303\\274r') exec ./run.sh \"$@\"");
        machine.builder.environment().put("LC_ALL", "C");
        List<String> words = new ArrayList<>(List.of(launch.toString()));
        words.addAll(machine.java(exec()));
        machine.start(words);
        long second = machine.restartInANewProcess();
        assertTrue(Machine.texts(Machine.proc().environment(second)).contains("PROBE_TEXT=f\u00c3\u00bcr"));
    }

    @Test
    void waitsForThePortOfADebuggerThatAScriptOpens() throws Exception {
        script("run.sh", "java=$1", "shift", "\"$java\" -agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address="
                + "127.0.0.1:" + Machine.freePort() + " \"$@\"", "exit $?");
        List<String> words = new ArrayList<>(List.of("./run.sh"));
        words.addAll(machine.java(exec()));
        machine.start(words);
        machine.restartInANewProcess();
        assertEquals(0, machine.exitCode());
    }

    @Test
    void waitsForThePortOfADebugger() throws Exception {
        machine.start(machine.java(exec("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:"
                + Machine.freePort())));
        machine.restartInANewProcess();
        assertEquals(0, machine.exitCode());
    }

    @Test
    void repeatsAnExecutableThatIsNoJava() throws Exception {
        Path server = folder.resolve("server");
        Path build = Path.of("..", "examples", "native-launcher", "build").toAbsolutePath().normalize();
        ProcessBuilder compiler = new ProcessBuilder(build.toString(), server.toString(),
                System.getProperty("java.class.path"), Probe.class.getName()).inheritIO();
        compiler.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process compiling = compiler.start();
        assertTrue(compiling.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, compiling.exitValue(), "a C compiler and a JDK make the executable: " + build);

        List<String> words = new ArrayList<>(List.of("./server"));
        words.addAll(exec("-Dprobe.text=a b"));
        words.addAll(List.of("x y", "z"));
        machine.start(words);
        long pid = machine.awaitServing();
        assertEquals(Optional.of(server.toRealPath()), Machine.proc().executable(pid));
        for (int i = 0; i < 3; i++) {
            pid = machine.restartInANewProcess();
            assertEquals(Optional.of(server.toRealPath()), Machine.proc().executable(pid));
            assertEquals("x y|z", machine.askNow("/args"));
            assertEquals("a b", machine.askNow("/property"));
            assertEquals(List.of(pid), machine.alive());
        }
        assertEquals(0, machine.exitCode());
        assertFalse(machine.output().contains("WARNING"), machine.output());
    }
}
