import java.util.Arrays;
import org.apache.kafka.tools.ProducerPerformance;

/**
 * Runs Apache Kafka's own load generator twice in one Java machine, so that the first
 * run's compilation and connections are not part of the second. The first argument is
 * how many records the first run sends. Before and after the second run it waits for a
 * line, so that its caller can read processor times meanwhile.
 */
public class Twice {
    public static void main(String[] args) throws Exception {
        String[] measured = Arrays.copyOfRange(args, 1, args.length);
        String[] warm = measured.clone();
        warm[Arrays.asList(warm).indexOf("--num-records") + 1] = args[0];
        ProducerPerformance.main(warm);
        await("warm");
        ProducerPerformance.main(measured);
        await("done");
    }

    private static void await(String what) throws Exception {
        System.out.println("=== " + what);
        System.out.flush();
        while (System.in.read() != '\n') { }
    }
}
