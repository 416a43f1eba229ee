package io.federation.hotreload;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The process that takes over: the same command line, standard streams, folder and environment. Java can't
 * exec(2), so it is a child of this one, which ends at once.
 */
final class Successor {

    /**
     * Waits until its parent has exited, 10 s at most, then becomes the command. A zombie no longer has an exe: its
     * ports are free, though its parent may never reap it.
     */
    private static final String WAIT =
            "i=0; while [ -e /proc/%d/exe ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done; ";

    private static final Path SHELL = Path.of("/bin/sh");

    /** The variable that marks a successor, which can't see what launched the first process of its line. */
    private static final String MARK = "HOT_RELOAD_SUCCESSOR";

    private Successor() {}

    /**
     * Starts a successor.
     *
     * @param afterThisOne whether it needs what only the end of this process frees, such as a debugger's port
     * @param pause the first pause after a failed start of its own; zero if the last start here did not fail
     * @return its pid
     */
    static long start(CommandLine command, boolean afterThisOne, Duration pause, Proc proc) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(words(command, afterThisOne)).inheritIO();
        if (command.script.isPresent()) {
            asLaunched(builder, command.script.get(), proc);
        }
        builder.environment().put(MARK, Long.toString(pause.toMillis()));
        return builder.start().pid();
    }

    /** Whether this process is a successor, by its environment. */
    static boolean isOne(Map<String, String> environment) {
        return environment.containsKey(MARK);
    }

    /** The first pause after a failed start, as the previous process left it; empty if it left none. */
    static Optional<Duration> pauseLeft(Map<String, String> environment) {
        try {
            long milliseconds = Long.parseLong(environment.getOrDefault(MARK, "0"));
            return milliseconds > 0 ? Optional.of(Duration.ofMillis(milliseconds)) : Optional.empty();
        } catch (NumberFormatException notOurs) {
            return Optional.empty();
        }
    }

    static List<String> words(CommandLine command, boolean afterThisOne) throws IOException {
        List<String> plain = new ArrayList<>();
        plain.add(command.program);
        boolean readable = true;
        for (byte[] argument : command.arguments) {
            Optional<String> text = Bytes.text(argument);
            readable &= text.isPresent();
            plain.add(text.orElse(""));
        }
        if (readable && !afterThisOne) {
            return plain;
        }
        if (!Files.isExecutable(SHELL)) {
            if (readable) {
                return plain;
            }
            throw new IOException("an argument has characters that this locale can't write, and there is no " + SHELL
                    + ": set LC_ALL=C.UTF-8");
        }
        String wait = afterThisOne ? String.format(WAIT, ProcessHandle.current().pid()) : "";
        return readable ? throughShell(wait, plain) : List.of(SHELL.toString(), "-c", wait + script(command));
    }

    private static List<String> throughShell(String wait, List<String> plain) {
        List<String> words = new ArrayList<>(List.of(SHELL.toString(), "-c", wait + "exec \"$@\"", "hot-reload"));
        words.addAll(plain);
        return words;
    }

    // Java can't pass bytes, but a script in ASCII can write them. The dot keeps $(...) from eating newlines.
    private static String script(CommandLine command) {
        StringBuilder script = new StringBuilder("set --; ");
        List<byte[]> all = new ArrayList<>(List.of(command.program.getBytes()));
        all.addAll(command.arguments);
        for (byte[] argument : all) {
            script.append("a=$(printf '");
            for (byte next : argument) {
                script.append(String.format("\\%03o", next & 0xff));
            }
            script.append(".'); set -- \"$@\" \"${a%.}\"; ");
        }
        return script + "exec \"$@\"";
    }

    // A script computes from its input: with its own results as input, PATH would grow with each restart.
    private static void asLaunched(ProcessBuilder builder, long script, Proc proc) throws IOException {
        Map<String, String> given = new HashMap<>();
        Set<String> unreadable = new HashSet<>();
        for (byte[] entry : proc.environment(script)) {
            Optional<String> text = Bytes.text(entry);
            int equals = text.orElse("").indexOf('=', 1);
            if (equals > 0) {
                given.put(text.get().substring(0, equals), text.get().substring(equals + 1));
            } else if (text.isEmpty()) {
                // A value that this locale can't write stays as this process has it.
                unreadable.add(new String(entry, StandardCharsets.ISO_8859_1).split("=", 2)[0]);
            }
        }
        if (!given.isEmpty()) {
            Map<String, String> environment = builder.environment();
            environment.keySet().removeIf(name -> !given.containsKey(name) && !unreadable.contains(name));
            given.forEach((name, value) -> {
                // Equal values stay as they are, to the byte.
                if (!value.equals(environment.get(name))) {
                    environment.put(name, value);
                }
            });
        }
        builder.directory(proc.directory(script).map(Path::toFile)
                .orElseThrow(() -> new IOException("the folder of the script is gone")));
    }

    /** Whether this JVM itself listens on a port, which no close frees: a debugger's, or that of remote JMX. */
    static boolean holdsPorts(CommandLine command, Proc proc) {
        // An option may come from a script or an @file; the loaded libraries show it, on Linux.
        if (System.getProperty("com.sun.management.jmxremote.port") != null || proc.hasLoaded("libjdwp")) {
            return true;
        }
        StringBuilder options = new StringBuilder();
        command.arguments.forEach(argument -> options.append(Bytes.text(argument).orElse("")).append(' '));
        for (String name : List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")) {
            options.append(Optional.ofNullable(System.getenv(name)).orElse("")).append(' ');
        }
        return options.indexOf("jdwp") >= 0 || options.indexOf("jmxremote.port") >= 0;
    }
}
