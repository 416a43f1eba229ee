package io.federation.hotreload;

/** A setting that can't be used. The message names it, says what is wrong and what to do. */
public final class HotReloadException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    HotReloadException(String message) {
        super(message);
    }
}
