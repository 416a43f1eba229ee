package io.federation.hotreload;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A root folder with a /proc that a test wrote. */
final class FakeMachine {

    final Path root;
    final Proc proc;

    FakeMachine(Path root) {
        this.root = root;
        proc = new Proc(root);
    }

    FakeMachine process(long pid, long parent, String name, Path folder, String... arguments) throws IOException {
        Path entry = Files.createDirectories(root.resolve("proc").resolve(Long.toString(pid)));
        Files.writeString(entry.resolve("stat"), pid + " (" + name + ") S " + parent + " 500 500 0 -1 4194560 1 2");
        Files.write(entry.resolve("cmdline"), bytes(arguments));
        Files.createSymbolicLink(entry.resolve("cwd"), folder);
        return this;
    }

    FakeMachine runs(long pid, Path executable) throws IOException {
        Files.createSymbolicLink(root.resolve("proc").resolve(Long.toString(pid)).resolve("exe"), executable);
        return this;
    }

    private static byte[] bytes(String... arguments) {
        StringBuilder all = new StringBuilder();
        for (String argument : arguments) {
            all.append(argument).append('\0');
        }
        // One char is one byte here, so that a test can write any bytes.
        return all.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
