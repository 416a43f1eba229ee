package io.federation.hotreload;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A shell script that launched this process, and waits for its end: a run.sh that forks. */
final class Script {

    private static final Set<String> SHELLS = Set.of("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox");

    private Script() {}

    /**
     * The parent of {@code pid}, if it is a script that does nothing but run this process. A script with other
     * children does more than launch: repeating it would be wrong.
     */
    static Optional<Long> launcherOf(long pid, Proc proc) {
        long parent = proc.parent(pid);
        boolean ours = parent > 1
                && proc.session(parent) == proc.session(pid)
                && isRunBy(proc, parent)
                && proc.children(parent).equals(Set.of(pid));
        return ours ? Optional.of(parent) : Optional.empty();
    }

    /** Whether {@code pid} is a shell that runs a script file. */
    static boolean isRunBy(Proc proc, long pid) {
        List<byte[]> arguments = proc.arguments(pid);
        if (arguments.isEmpty()) {
            return false;
        }
        int next = 1;
        String shell = baseName(arguments.get(0));
        if (shell.equals("busybox") && arguments.size() > 1) {
            shell = baseName(arguments.get(next++));
        }
        if (!SHELLS.contains(shell)) {
            return false;
        }
        return scriptAt(arguments, next)
                .flatMap(script -> proc.directory(pid).map(folder -> Files.isRegularFile(folder.resolve(script))))
                .orElse(false);
    }

    // The first argument that is not an option; a shell with -c or -s runs no file.
    private static Optional<Path> scriptAt(List<byte[]> arguments, int first) {
        for (int i = first; i < arguments.size(); i++) {
            String argument = new String(arguments.get(i), StandardCharsets.UTF_8);
            if (argument.equals("-o") || argument.equals("+o")) {
                i++;
            } else if (!argument.startsWith("-") && !argument.startsWith("+")) {
                return Bytes.path(arguments.get(i));
            } else if (!argument.startsWith("--") && (argument.contains("c") || argument.contains("s"))) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static String baseName(byte[] path) {
        String text = new String(path, StandardCharsets.UTF_8);
        // A login shell is called "-bash".
        String name = text.substring(text.lastIndexOf('/') + 1);
        return name.startsWith("-") ? name.substring(1) : name;
    }
}
