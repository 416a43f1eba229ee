package io.federation.hotreload;

/** What restarts itself: a program that can be started again and again in one process. */
@FunctionalInterface
public interface Application {

    /**
     * Starts one generation: reads the configuration anew, opens what it needs, registers each of it with
     * {@link Context#onClose}, and returns as soon as it serves.
     *
     * <p>Runs on a thread of its own, in a thread group of this generation: the threads that it starts belong
     * to the generation, and have to be gone when everything registered was closed. What it throws is the
     * reason of the state {@code failed}; what it had registered is closed, and it is started again later.
     */
    void start(Context context) throws Exception;

    /**
     * Whether it can be started a second time in the same JVM. One that keeps its configuration in static
     * fields, or uses a library that can't be closed, says false: it gets a new process instead.
     */
    default boolean restartable() {
        return true;
    }

    /** Where the library's own log lines go: one event each, by default to standard output. */
    default void log(System.Logger.Level level, String message) {
        System.out.println("hot-reload: " + (level == System.Logger.Level.INFO ? "" : level + ": ") + message);
    }
}
