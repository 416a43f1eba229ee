package io.federation.hotreload;

import java.lang.System.Logger.Level;

/** The application's log, which may fail without harm. */
final class Log {

    private final Application application;

    Log(Application application) {
        this.application = application;
    }

    void info(String message) {
        write(Level.INFO, message);
    }

    void warn(String message) {
        write(Level.WARNING, message);
    }

    // One line each, whatever an exception's message or a reason contains.
    private void write(Level level, String text) {
        String message = text.replaceAll("\\s*\\R\\s*", " ");
        try {
            application.log(level, message);
        } catch (RuntimeException | LinkageError broken) {
            System.err.println("hot-reload: the log failed with " + broken + "; the event was: " + message);
        }
    }

    /** The reason of a failure: the class, and its message if it has one. */
    static String reason(Throwable failure) {
        String message = failure.getMessage();
        String name = failure.getClass().getSimpleName();
        return message == null || message.isBlank() ? name : name + ": " + message;
    }
}
