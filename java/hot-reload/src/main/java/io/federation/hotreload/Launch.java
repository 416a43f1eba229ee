package io.federation.hotreload;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** What launched this process, as far as it matters: is it started again when it exits? */
enum Launch {
    /** The first process of its PID namespace: the container ends with it. */
    PID_1("who started this container", true),
    /** The main process of a container, where Kubernetes runs it. */
    KUBERNETES("the kubelet", true),
    /** The main process of a container, or the only one of its init. */
    CONTAINER("who started this container", true),
    SYSTEMD("systemd", true),
    SUPERVISOR("its supervisor", true),
    /** A shell, a script, a program such as the sidecar. */
    PLAIN("who launched it", false);

    /** Programs that start again what exits, with any code. */
    private static final Set<String> SUPERVISORS =
            Set.of("supervisord", "s6-supervise", "runsv", "supervise", "supervise-daemon");

    private final String words;
    private final boolean startedAgain;

    Launch(String words, boolean startedAgain) {
        this.words = words;
        this.startedAgain = startedAgain;
    }

    /** Whether the launcher starts the program again when it exits, and would stop or duplicate a successor. */
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
        // A script that forked ends with us: the launcher of the script is our launcher.
        long top = pid;
        while (proc.parent(top) > 0 && !supervised(proc, top) && Script.isRunBy(proc, proc.parent(top))) {
            top = proc.parent(top);
        }
        if (supervised(proc, top)) {
            return SUPERVISOR;
        }
        if (pid == 1 || top == 1) {
            return PID_1;
        }
        // Its parent has exited, and the process that adopted it launched nothing.
        if (Successor.isOne(environment)) {
            return PLAIN;
        }
        // 0: launched from outside of this PID namespace, as in a pod that shares one. 1: by a container's init.
        if (proc.parent(top) <= 1) {
            if (environment.containsKey("KUBERNETES_SERVICE_HOST")) {
                return KUBERNETES;
            }
            if (isContainer(environment, root)) {
                return CONTAINER;
            }
        }
        return isUnit(environment, pid, top, proc) ? SYSTEMD : PLAIN;
    }

    private static boolean supervised(Proc proc, long pid) {
        return SUPERVISORS.contains(proc.name(proc.parent(pid)));
    }

    private static boolean isContainer(Map<String, String> environment, Path root) {
        return environment.containsKey("container")
                || Files.exists(root.resolve(".dockerenv"))
                || Files.exists(root.resolve("run/.containerenv"));
    }

    // INVOCATION_ID alone proves nothing: every terminal of a desktop and every job of a CI runner inherits one.
    private static boolean isUnit(Map<String, String> environment, long pid, long top, Proc proc) {
        if (!environment.containsKey("INVOCATION_ID") && !environment.containsKey("NOTIFY_SOCKET")) {
            return false;
        }
        String main = environment.get("SYSTEMD_EXEC_PID");
        if (main == null) {
            // systemd before 248 does not name the process that it started.
            return proc.name(proc.parent(top)).equals("systemd");
        }
        return main.equals(Long.toString(pid)) || main.equals(Long.toString(top));
    }
}
