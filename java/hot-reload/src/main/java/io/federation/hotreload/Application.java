package io.federation.hotreload;

/** A program that can be started again and again in one process. */
@FunctionalInterface
public interface Application {

    /**
     * Starts one generation: reads the configuration again, opens what it needs, registers each resource with
     * {@link Context#onClose}, and returns as soon as it serves.
     *
     * <p>Runs on a thread of its own, in a thread group of this generation: the threads that it starts belong
     * to the generation, and must have ended when everything registered is closed. An exception is the reason of
     * the state {@code failed}: what was registered is closed, and the application is started again later.
     */
    void start(Context context) throws Exception;

    /**
     * Whether it can be started a second time in the same JVM. An application that keeps its configuration in
     * static fields, or uses a library that can't be closed, returns false: it gets a new process instead.
     */
    default boolean restartable() {
        return true;
    }

    /** Logs one event of the library, by default to standard output. */
    default void log(System.Logger.Level level, String message) {
        System.out.println("hot-reload: " + (level == System.Logger.Level.INFO ? "" : level + ": ") + message);
    }
}
