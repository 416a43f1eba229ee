package io.federation.hotreload;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Who launched this process, as far as it matters: does somebody start it again when it ends? */
enum Launch {
    /** The only process that matters in its PID namespace: a container ends with it. */
    PID_1("PID 1", true),
    KUBERNETES("Kubernetes", true),
    CONTAINER("a container", true),
    SYSTEMD("systemd", true),
    /** A shell, a script, a program such as the sidecar. */
    PLAIN("a program", false);

    private final String words;
    private final boolean startedAgain;

    Launch(String words, boolean startedAgain) {
        this.words = words;
        this.startedAgain = startedAgain;
    }

    /** Whether somebody starts the program again when it exits, and ends what it left running. */
    boolean startedAgain() {
        return startedAgain;
    }

    String words() {
        return words;
    }

    /**
     * Recognises the launcher.
     *
     * @param root the root folder, where a container engine leaves its mark
     */
    static Launch recognise(Map<String, String> environment, long pid, Proc proc, Path root) {
        if (pid == 1) {
            return PID_1;
        }
        if (environment.containsKey("KUBERNETES_SERVICE_HOST")) {
            return KUBERNETES;
        }
        if (environment.containsKey("container")
                || Files.exists(root.resolve(".dockerenv"))
                || Files.exists(root.resolve("run/.containerenv"))) {
            return CONTAINER;
        }
        return isUnit(environment, pid, proc) ? SYSTEMD : PLAIN;
    }

    // INVOCATION_ID alone proves nothing: every terminal of a desktop and every job of a CI runner inherits one.
    private static boolean isUnit(Map<String, String> environment, long pid, Proc proc) {
        if (!environment.containsKey("INVOCATION_ID") && !environment.containsKey("NOTIFY_SOCKET")) {
            return false;
        }
        long parent = proc.parent(pid);
        String main = environment.get("SYSTEMD_EXEC_PID");
        if (main == null) {
            // systemd before 248 does not say whom it started.
            return proc.name(parent).equals("systemd");
        }
        return main.equals(Long.toString(pid))
                || main.equals(Long.toString(parent)) && Script.isRunBy(proc, parent);
    }
}
