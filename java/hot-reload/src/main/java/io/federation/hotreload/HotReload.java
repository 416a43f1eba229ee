package io.federation.hotreload;

import java.nio.file.Path;
import java.util.List;

/**
 * Runs a program that restarts itself.
 *
 * <pre>{@code
 * public static void main(String[] args) {
 *     HotReload.run(args, context -> {
 *         Config config = Config.read(context.args().get(0));
 *         Server server = new Server(config);
 *         context.onClose("server", server);
 *         server.start();
 *         context.loaded(config.federatedServers());
 *     });
 * }
 * }</pre>
 */
public final class HotReload {

    /** EX_CONFIG of sysexits.h. */
    private static final int BAD_SETTING = 78;

    /** Milliseconds that other shutdown hooks get once everything of ours is closed. */
    private static final long LAST_WORDS = 5_000;

    private HotReload() {}

    /**
     * Runs {@code application} with the settings of this process until SIGTERM, SIGINT or {@link Context#stop}. An
     * invalid setting is reported on standard error, and the process exits with 78.
     */
    public static void run(String[] args, Application application) {
        Settings settings;
        try {
            settings = Settings.load();
        } catch (HotReloadException bad) {
            System.err.println("hot-reload: " + bad.getMessage());
            System.exit(BAD_SETTING);
            return;
        }
        run(args, application, settings);
    }

    /** Runs {@code application} until a stop is requested. */
    public static void run(String[] args, Application application, Settings settings) {
        long pid = ProcessHandle.current().pid();
        Path root = Path.of("/");
        Launch launch = Launch.recognise(System.getenv(), pid, new Proc(root), root);
        Controller controller = new Controller(settings, application, List.of(args), launch,
                Successor.pauseLeft(System.getenv()), Controller.processes(settings), HotReload::exit);
        Thread hook = new Thread(() -> controller.stopAndWait("the process is being terminated"), "hot-reload stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            controller.run();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    // Other hooks still run, to flush a log or remove a pid file; one that hangs must not keep the process.
    private static void exit(int code) {
        Thread guard = new Thread(() -> {
            try {
                Thread.sleep(LAST_WORDS);
            } catch (InterruptedException never) {
                return;
            }
            Runtime.getRuntime().halt(code);
        }, "hot-reload exit guard");
        guard.setDaemon(true);
        guard.start();
        System.exit(code);
    }
}
