package io.federation.hotreload;

/** How a restart is done, as set by {@code hotreload.mode}. */
public enum Mode {
    /** In the JVM if possible; otherwise by a new process or by an exit, depending on the launcher. */
    AUTO,
    /** Always in the JVM. */
    JVM,
    /** Always by a new process with the same command line; this one exits with 0. */
    EXEC,
    /** Always by an exit with {@code hotreload.exit.code}: a supervisor starts it again. */
    EXIT
}
