package io.federation.hotreload;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The process that takes over: the same command line, standard streams, folder and environment. Java can't
 * exec(2), so it is a child of this one, which ends at once.
 */
final class Successor {

    /**
     * Waits until its parent has ended, 10 s at most, then becomes the command. A zombie has no exe any more: its
     * ports are free, though its parent may never reap it.
     */
    private static final String WAIT =
            "i=0; while [ -e /proc/%d/exe ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done; ";

    private static final Path SHELL = Path.of("/bin/sh");

    private Successor() {}

    /**
     * Starts it.
     *
     * @param afterThisOne whether it needs what only the end of this process frees, such as a debugger's port
     * @return its pid
     */
    static long start(CommandLine command, boolean afterThisOne, Proc proc) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(words(command, afterThisOne)).inheritIO();
        if (command.script.isPresent()) {
            asLaunched(builder, command.script.get(), proc);
        }
        return builder.start().pid();
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

    // Java can't hand over bytes, but a script in ASCII can say them. The dot keeps $(...) from eating newlines.
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

    // A script computes from what it was given: with its results as its input, PATH would grow with each restart.
    private static void asLaunched(ProcessBuilder builder, long script, Proc proc) throws IOException {
        Map<String, String> given = new HashMap<>();
        for (byte[] entry : proc.environment(script)) {
            String text = Bytes.text(entry).orElse("");
            int equals = text.indexOf('=', 1);
            if (equals > 0) {
                given.put(text.substring(0, equals), text.substring(equals + 1));
            }
        }
        if (!given.isEmpty()) {
            Map<String, String> environment = builder.environment();
            environment.keySet().retainAll(given.keySet());
            given.forEach((name, value) -> {
                // What is equal stays as it is, to the byte.
                if (!value.equals(environment.get(name))) {
                    environment.put(name, value);
                }
            });
        }
        builder.directory(proc.directory(script).map(Path::toFile)
                .orElseThrow(() -> new IOException("the folder of the script is gone")));
    }

    /** Whether this JVM itself listens on a port, which no close frees: a debugger's, or that of remote JMX. */
    static boolean holdsPorts(CommandLine command) {
        if (System.getProperty("com.sun.management.jmxremote.port") != null) {
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
