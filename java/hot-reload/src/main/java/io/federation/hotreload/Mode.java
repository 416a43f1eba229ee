package io.federation.hotreload;

/** How a restart is done, where somebody chose. */
public enum Mode {
    /** In the JVM where that can be; else by a new process or by an exit, depending on who launched this one. */
    AUTO,
    /** Always in the JVM. */
    JVM,
    /** Always by a new process with the same command line; this one ends with 0. */
    EXEC,
    /** Always by an exit with {@code hotreload.exit.code}: somebody else starts it again. */
    EXIT
}
