import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.storage.internals.log.FetchDataInfo;
import org.apache.kafka.storage.internals.log.UnifiedLog;

/**
 * Opens copies of logs with Kafka's own code, once as after a clean shutdown and once as after a crash, which rebuilds
 * every index: LoadLog SCRATCH SEGMENT.BYTES INDEX.INTERVAL.BYTES LOG... Prints one line for each log and way.
 */
public class LoadLog {
    public static void main(String[] args) throws Exception {
        Kafka.SCHEDULER.startup();
        for (int i = 3; i < args.length; i++) {
            load(args, new File(args[i]), true);
            load(args, new File(args[i]), false);
        }
        Kafka.SCHEDULER.shutdown();
    }

    private static void load(String[] args, File from, boolean clean) throws Exception {
        File dir = new File(args[0], from.getName());
        delete(dir);
        if (!dir.mkdirs()) throw new IOException("cannot make " + dir);
        Map<String, byte[]> before = new TreeMap<>();
        for (File f : from.listFiles()) {
            Files.copy(f.toPath(), dir.toPath().resolve(f.getName()));
            before.put(f.getName(), Files.readAllBytes(f.toPath()));
        }
        UnifiedLog log = Kafka.open(dir, Kafka.config(Integer.parseInt(args[1]), Integer.parseInt(args[2])),
            clean ? Long.MAX_VALUE : 0, clean);
        String wrongReads = reads(log);
        String facts = String.format("start %d end %d size %d segments %d epochs %s", log.logStartOffset(),
            log.logEndOffset(), log.size(), log.numberOfSegments(), log.leaderEpochCache().epochEntries());
        log.close();
        StringBuilder changed = new StringBuilder();
        for (Map.Entry<String, byte[]> e : before.entrySet()) {
            File f = new File(dir, e.getKey());
            if (!f.exists() || !Arrays.equals(e.getValue(), Files.readAllBytes(f.toPath()))) {
                changed.append(' ').append(e.getKey());
            }
        }
        System.out.printf("%s\t%s\t%s\t%s\t%s%n", from, clean ? "clean" : "recovered", facts, changed, wrongReads);
        delete(dir);
    }

    /** Reads at 200 offsets through the indexes; returns what went wrong. */
    private static String reads(UnifiedLog log) throws IOException {
        StringBuilder wrong = new StringBuilder();
        long start = log.logStartOffset();
        long count = log.logEndOffset() - start;
        for (int k = 0; k < 200 && count > 0; k++) {
            long offset = start + count * k / 200;
            FetchDataInfo read = log.read(offset, 1 << 16, FetchIsolation.LOG_END, true);
            RecordBatch b = read.records.batches().iterator().next();
            if (b.baseOffset() > offset || b.lastOffset() < offset) {
                wrong.append(" read at ").append(offset).append(" got ").append(b.baseOffset());
            }
        }
        return wrong.toString();
    }

    private static void delete(File dir) throws IOException {
        File[] files = dir.listFiles();
        if (files != null) for (File f : files) Files.deleteIfExists(f.toPath());
        Files.deleteIfExists(dir.toPath());
    }
}
