package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandLineTest {

    @TempDir
    Path root;

    private FakeMachine machine;
    private Path java;

    @BeforeEach
    void aJava() throws IOException {
        machine = new FakeMachine(root);
        java = executable("jdk/bin/java");
    }

    private Path executable(String name) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        return file;
    }

    private CommandLine find(long pid) throws IOException {
        return CommandLine.find(Settings.Repeat.AUTO, pid, machine.proc);
    }

    private static List<String> arguments(CommandLine command) {
        return command.arguments.stream()
                .map(bytes -> new String(bytes, StandardCharsets.ISO_8859_1)).collect(Collectors.toList());
    }

    @Test
    void keepsEveryArgumentAsItIs() throws IOException {
        String[] odd = {"-Xmx64m", "-Dname=two words", "@options file", "-jar", "a b.jar", "", "new\nline", "$(x) '\"\\", "\u00c3\u00bc\u00ff"};
        String[] all = new String[odd.length + 1];
        all[0] = java.toString();
        System.arraycopy(odd, 0, all, 1, odd.length);
        machine.process(700, 1, "java", root, all).runs(700, java);
        assertEquals(List.of(odd), arguments(find(700)));
        assertEquals(java.toString(), find(700).program);
    }

    @Test
    void takesTheFileThatRunsWhereItsNameIsNotOnPath() throws IOException {
        machine.process(700, 1, "java", root, "no-such-word-on-path", "-version").runs(700, java);
        assertEquals(java.toString(), find(700).program);
    }

    @Test
    void findsARelativeProgramFromItsFolder() throws IOException {
        Path server = executable("srv/server");
        machine.process(700, 1, "server", root.resolve("srv"), "./server").runs(700, server);
        assertEquals("./server", find(700).program);
    }

    @Test
    void takesTheNewFileWhereTheProgramWasReplaced() throws IOException {
        Path server = executable("srv/server");
        machine.process(700, 1, "server", root.resolve("srv"), server.toString())
                .runs(700, root.resolve("srv/server (deleted)"));
        assertEquals(server.toString(), find(700).program);
    }

    @Test
    void ignoresANameThatLeadsToAnotherFile() throws IOException {
        Path other = executable("srv/fed-1");
        machine.process(700, 1, "java", root, other.toString(), "-version").runs(700, java);
        assertEquals(java.toString(), find(700).program);
    }

    @Test
    void saysThatTheProgramIsGone() throws IOException {
        machine.process(700, 1, "server", root, "/opt/gone/server").runs(700, root.resolve("server (deleted)"));
        IOException gone = assertThrows(IOException.class, () -> find(700));
        assertEquals("the program's file is gone: /opt/gone/server", gone.getMessage());
    }

    @Test
    void repeatsTheScriptThatForked() throws IOException {
        Files.createFile(root.resolve("run.sh"));
        Path shell = executable("bin/sh");
        machine.process(600, 1, "run.sh", root, shell.toString(), "-eu", "./run.sh", "x y").runs(600, shell);
        machine.process(700, 600, "java", root, java.toString(), "-jar", "server.jar").runs(700, java);
        CommandLine command = find(700);
        assertEquals(Optional.of(600L), command.script);
        assertEquals(shell.toString(), command.program);
        assertEquals(List.of("-eu", "./run.sh", "x y"), arguments(command));
        assertEquals(java.toString(), CommandLine.find(Settings.Repeat.PROCESS, 700, machine.proc).program);
    }

    @Test
    void doesNotRepeatAScriptThatDoesMore() throws IOException {
        Files.createFile(root.resolve("deploy.sh"));
        machine.process(600, 1, "deploy.sh", root, "/bin/bash", "deploy.sh");
        machine.process(700, 600, "java", root, java.toString()).runs(700, java);
        machine.process(701, 600, "curl", root, "curl");
        assertEquals(java.toString(), find(700).program);
        assertThrows(IOException.class, () -> CommandLine.find(Settings.Repeat.SCRIPT, 700, machine.proc));
    }

    @Test
    void doesNotRepeatAShellThatRunsNoFile() throws IOException {
        machine.process(600, 1, "sh", root, "/bin/sh", "-c", "java -jar server.jar");
        machine.process(700, 600, "java", root, java.toString()).runs(700, java);
        machine.process(601, 1, "bash", root, "-bash");
        machine.process(701, 601, "java", root, java.toString()).runs(701, java);
        machine.process(602, 1, "python3", root, "python3", "run.py");
        machine.process(702, 602, "java", root, java.toString()).runs(702, java);
        for (long pid : List.of(700L, 701L, 702L)) {
            assertEquals(java.toString(), find(pid).program);
        }
    }

    @Test
    void startsDirectlyWhereNothingNeedsAShell() throws IOException {
        machine.process(700, 1, "java", root, java.toString(), "a b", "").runs(700, java);
        assertEquals(List.of(java.toString(), "a b", ""), Successor.words(find(700), false));
        List<String> waiting = Successor.words(find(700), true);
        assertEquals(List.of("/bin/sh", "-c"), waiting.subList(0, 2));
        assertEquals(List.of(java.toString(), "a b", ""), waiting.subList(4, 7));
    }

    @Test
    void recognisesADebuggersPort() throws IOException {
        machine.process(700, 1, "java", root, java.toString(), "-agentlib:jdwp=transport=dt_socket,server=y").runs(700, java);
        assertTrue(Successor.holdsPorts(find(700), machine.proc));
    }
}
