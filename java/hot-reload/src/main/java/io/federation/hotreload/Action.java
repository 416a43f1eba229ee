package io.federation.hotreload;

/** How one restart is done. */
enum Action {
    JVM,
    EXEC,
    EXIT;

    /**
     * Chooses how to restart.
     *
     * @param restartable whether the application can start twice in one JVM
     * @param clean whether everything of the old generation could be closed
     * @param launch who launched this process
     */
    static Action choose(Mode mode, boolean restartable, boolean clean, Launch launch) {
        if (mode != Mode.AUTO) {
            return valueOf(mode.name());
        }
        // What could not be closed may hold a port or half a file: only the end of the process frees those.
        if (restartable && clean) {
            return JVM;
        }
        return launch.startedAgain() ? EXIT : EXEC;
    }
}
