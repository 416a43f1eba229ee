package io.federation.hotreload;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A command line to repeat: the program's name or file, its arguments to the byte, and whose it is. */
final class CommandLine {

    final String program;
    final List<byte[]> arguments;
    /** The script whose environment and folder go with it; empty if they are this process's own. */
    final Optional<Long> script;

    private CommandLine(String program, List<byte[]> arguments, Optional<Long> script) {
        this.program = program;
        this.arguments = arguments;
        this.script = script;
    }

    /** The command line that started this process, or the script that launched it. */
    static CommandLine find(Settings.Repeat repeat, long pid, Proc proc) throws IOException {
        Optional<Long> script = repeat == Settings.Repeat.PROCESS ? Optional.empty() : Script.launcherOf(pid, proc);
        if (repeat == Settings.Repeat.SCRIPT && script.isEmpty()) {
            throw new IOException("hotreload.exec is script, and no script that runs nothing else launched this process");
        }
        List<byte[]> all = proc.arguments(script.orElse(pid));
        if (all.isEmpty()) {
            return fromProcessHandle();
        }
        String program = program(all.get(0), script.orElse(pid), proc);
        return new CommandLine(program, all.subList(1, all.size()), script);
    }

    /**
     * What to run: the name that it was called by, so that a program that was replaced is found in its new form; or
     * the file that runs now, if the name leads to another file, as after exec -a.
     */
    private static String program(byte[] name, long pid, Proc proc) throws IOException {
        Optional<Path> running = proc.executable(pid);
        Optional<Path> named = Bytes.path(name).flatMap(path -> lookUp(path, proc.directory(pid)));
        if (named.isPresent() && (running.isEmpty() || Files.isSameFile(named.get(), running.get()))) {
            return new String(name, Charset.defaultCharset());
        }
        return running.map(Path::toString).orElseThrow(() -> new IOException(
                "the program's file is gone: " + new String(name, StandardCharsets.UTF_8)));
    }

    private static Optional<Path> lookUp(Path name, Optional<Path> folder) {
        if (name.isAbsolute() || name.getNameCount() > 1) {
            Path file = folder.map(from -> from.resolve(name)).orElse(name);
            return Optional.of(file).filter(Files::isExecutable);
        }
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("/usr/bin:/bin");
        return Arrays.stream(path.split(":"))
                .map(entry -> pathOrEmpty(entry.isEmpty() ? "." : entry))
                .flatMap(Optional::stream)
                .map(entry -> entry.resolve(name))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    private static Optional<Path> pathOrEmpty(String entry) {
        try {
            return Optional.of(Path.of(entry));
        } catch (InvalidPathException notInThisLocale) {
            return Optional.empty();
        }
    }

    // On systems other than Linux.
    private static CommandLine fromProcessHandle() throws IOException {
        ProcessHandle.Info info = ProcessHandle.current().info();
        String command = info.command()
                .orElseThrow(() -> new IOException("this system does not show the command line"));
        String[] arguments = info.arguments()
                .orElseThrow(() -> new IOException("this system does not show the arguments of " + command));
        List<byte[]> bytes = new ArrayList<>();
        for (String argument : arguments) {
            bytes.add(argument.getBytes());
        }
        return new CommandLine(command, bytes, Optional.empty());
    }
}
