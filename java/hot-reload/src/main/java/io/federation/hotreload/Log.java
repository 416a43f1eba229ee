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

    private void write(Level level, String message) {
        try {
            application.log(level, message);
        } catch (RuntimeException broken) {
            System.err.println("hot-reload: the log failed with " + broken + "; it was to say: " + message);
        }
    }

    /** What went wrong in one line: the message, and the class where the message alone says little. */
    static String reason(Throwable failure) {
        String message = failure.getMessage();
        String text = message == null || message.isBlank()
                ? failure.getClass().getSimpleName()
                : failure.getClass().getSimpleName() + ": " + message;
        return text.replaceAll("\\s*\\R\\s*", " ");
    }
}
