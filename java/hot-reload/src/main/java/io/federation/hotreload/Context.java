package io.federation.hotreload;

import java.util.List;

/** The current generation of an application, and what it may ask for. Any thread may call any method. */
public interface Context {

    /** The arguments of the command line, the same in every generation. */
    List<String> args();

    /** 1 for the first generation in this process; one more with each restart inside the JVM. */
    int generation();

    /**
     * Registers what is closed when this generation ends: the last one registered is closed first. Each has
     * the timeout {@code hotreload.close.timeout}. A resource that is registered too late is closed at once.
     *
     * @param name what the log calls it
     */
    void onClose(String name, AutoCloseable resource);

    /** Registers what is closed when this generation ends, under the name of its class. */
    default void onClose(AutoCloseable resource) {
        onClose(resource.getClass().getName(), resource);
    }

    /** Sets the federated servers that this generation has loaded, which the endpoint reports. */
    void loaded(List<String> federatedServers);

    /** Requests a restart, and returns at once. Several requests during a restart lead to one more. */
    void restart(String reason);

    /** Requests the program's end: everything is closed, and {@link HotReload#run} returns. */
    void stop(String reason);
}
