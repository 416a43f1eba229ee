package io.federation.hotreload;

import java.net.InetSocketAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;

/**
 * Every setting, checked. Each is a system property ({@code hotreload.close.timeout}) and a variable of the
 * environment ({@code HOT_RELOAD_CLOSE_TIMEOUT}); the property wins.
 */
public final class Settings {

    /** Which command line a re-exec repeats. */
    enum Repeat { AUTO, PROCESS, SCRIPT }

    private static final Set<String> NAMES = Set.of(
            "mode", "exit.code", "exec", "listen", "token.file", "watch", "signal",
            "close.timeout", "start.timeout", "backoff.first", "backoff.max");

    final Mode mode;
    final int exitCode;
    final Repeat repeat;
    final Optional<InetSocketAddress> listen;
    final Optional<Path> tokenFile;
    final Optional<Path> watch;
    final boolean hangup;
    final Duration closeTimeout;
    final Duration startTimeout;
    final Duration backoffFirst;
    final Duration backoffMax;

    private Settings(Reader from) {
        mode = from.choice("mode", Mode.class, Mode.AUTO);
        exitCode = from.number("exit.code", 75, 1, 255);
        repeat = from.choice("exec", Repeat.class, Repeat.AUTO);
        listen = from.text("listen").filter(text -> !text.equals("off")).map(ListenAddress::parse);
        tokenFile = from.path("token.file");
        watch = from.path("watch");
        hangup = from.hangup();
        closeTimeout = from.seconds("close.timeout", "5");
        startTimeout = from.seconds("start.timeout", "60");
        backoffFirst = from.seconds("backoff.first", "0.5");
        backoffMax = from.seconds("backoff.max", "30");
        if (listen.isPresent() && tokenFile.isEmpty()) {
            throw new HotReloadException("hotreload.listen is set, and hotreload.token.file is not: name the file "
                    + "that holds the token (it is created if it does not exist)");
        }
    }

    /** The settings of this process. */
    public static Settings load() {
        return of(System.getProperties(), System.getenv());
    }

    /** The settings in {@code properties}, or in {@code environment} for those that are not set there. */
    public static Settings of(Properties properties, Map<String, String> environment) {
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith("hotreload.") && !NAMES.contains(name.substring("hotreload.".length()))) {
                throw new HotReloadException(name + " is not a setting; the settings are: hotreload."
                        + String.join(", hotreload.", new java.util.TreeSet<>(NAMES)));
            }
        }
        return new Settings(new Reader(properties, environment));
    }

    private static final class Reader {

        private final Properties properties;
        private final Map<String, String> environment;

        Reader(Properties properties, Map<String, String> environment) {
            this.properties = properties;
            this.environment = environment;
        }

        Optional<String> text(String name) {
            String value = properties.getProperty("hotreload." + name);
            if (value == null) {
                value = environment.get("HOT_RELOAD_" + name.toUpperCase(Locale.ROOT).replace('.', '_'));
            }
            return Optional.ofNullable(value).map(String::trim).filter(text -> !text.isEmpty());
        }

        Optional<Path> path(String name) {
            Optional<String> text = text(name);
            try {
                return text.map(Path::of);
            } catch (InvalidPathException notOne) {
                throw bad(name, text.get(), "it must be a path; if it has characters beyond ASCII, set LC_ALL=C.UTF-8");
            }
        }

        <E extends Enum<E>> E choice(String name, Class<E> type, E otherwise) {
            Optional<String> text = text(name);
            for (E constant : type.getEnumConstants()) {
                if (text.isPresent() && constant.name().toLowerCase(Locale.ROOT).equals(text.get())) {
                    return constant;
                }
            }
            if (text.isEmpty()) {
                return otherwise;
            }
            String all = String.join(", ", java.util.Arrays.stream(type.getEnumConstants())
                    .map(constant -> constant.name().toLowerCase(Locale.ROOT)).toArray(String[]::new));
            throw bad(name, text.get(), "it must be one of " + all);
        }

        int number(String name, int otherwise, int least, int most) {
            Optional<String> text = text(name);
            if (text.isEmpty()) {
                return otherwise;
            }
            String rule = "it must be a number from " + least + " to " + most;
            try {
                int value = Integer.parseInt(text.get());
                if (value >= least && value <= most) {
                    return value;
                }
            } catch (NumberFormatException notOne) {
                throw bad(name, text.get(), rule);
            }
            throw bad(name, text.get(), rule);
        }

        Duration seconds(String name, String otherwise) {
            String text = text(name).orElse(otherwise);
            try {
                double value = Double.parseDouble(text);
                if (value >= 0.001 && value <= 86_400) {
                    return Duration.ofMillis(Math.round(value * 1000));
                }
            } catch (NumberFormatException notOne) {
                throw bad(name, text, "it must be a number of seconds");
            }
            throw bad(name, text, "it must be a number of seconds, from 0.001 to 86400");
        }

        boolean hangup() {
            String text = text("signal").orElse("HUP");
            if (!text.equals("HUP") && !text.equals("off")) {
                throw bad("signal", text, "it must be HUP or off");
            }
            return text.equals("HUP");
        }

        private static HotReloadException bad(String name, String value, String rule) {
            return new HotReloadException("hotreload." + name + " is \"" + value + "\": " + rule);
        }
    }
}
