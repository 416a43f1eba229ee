package io.federation.hotreload;

import java.util.List;

/** What an application knows of its present generation, and may ask for. Every method may be called from any thread. */
public interface Context {

    /** The arguments of the command line, the same in every generation. */
    List<String> args();

    /** 1 for the first life in this process; one more with each restart inside the JVM. */
    int generation();

    /**
     * Registers what is closed when this generation ends: the last one registered is closed first. Each has
     * the time limit {@code hotreload.close.timeout}. Registered too late, it is closed at once.
     *
     * @param name what the log calls it
     */
    void onClose(String name, AutoCloseable resource);

    /** Registers what is closed when this generation ends, under the name of its class. */
    default void onClose(AutoCloseable resource) {
        onClose(resource.getClass().getName(), resource);
    }

    /** Says which federated servers this generation has loaded: the endpoint shows them. */
    void loaded(List<String> federatedServers);

    /** Asks for a restart, and returns at once. Several of them while one runs end in one more. */
    void restart(String reason);

    /** Asks for the program's end: everything is closed, and {@link HotReload#run} returns. */
    void stop(String reason);
}
