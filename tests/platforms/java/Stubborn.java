/** Ignores SIGTERM: its shutdown hook never returns. */
public class Stubborn {
    public static void main(String[] args) throws Exception {
        Thread hook = new Thread(() -> {
            while (true) {
                try {
                    Thread.sleep(1_000_000);
                } catch (InterruptedException e) {
                    continue;
                }
            }
        }, "the-thread-that-hangs");
        Runtime.getRuntime().addShutdownHook(hook);
        System.out.println("stubborn is up");
        Thread.currentThread().join();
    }
}
