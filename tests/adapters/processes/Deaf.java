import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A JVM that outlives SIGTERM: its shutdown hook never returns. Writes its number into the file it is given. */
public class Deaf {
    public static void main(String[] args) throws Exception {
        var never = new CountDownLatch(1);
        Runnable stuck = () -> {
            try {
                never.await();
            } catch (InterruptedException gone) {
                Thread.currentThread().interrupt();
            }
        };
        Runtime.getRuntime().addShutdownHook(new Thread(stuck, "stuck-in-its-shutdown-hook"));
        Files.writeString(Path.of(args[0]), ProcessHandle.current().pid() + "\n");
        never.await();
    }
}
