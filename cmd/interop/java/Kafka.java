import java.io.File;
import java.io.IOException;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/** Opens logs as Kafka's broker does. */
final class Kafka {
    static final KafkaScheduler SCHEDULER = new KafkaScheduler(1);

    private Kafka() { }

    static LogConfig config(int segmentBytes, int indexIntervalBytes) {
        Properties p = new Properties();
        p.put(LogConfig.INTERNAL_SEGMENT_BYTES_CONFIG, "" + segmentBytes); // segment.bytes has a minimum of 1 MiB
        p.put("index.interval.bytes", "" + indexIntervalBytes);
        p.put("max.message.bytes", "" + (8 << 20));
        p.put("retention.ms", "-1");
        p.put("message.timestamp.after.max.ms", "" + Long.MAX_VALUE);
        return new LogConfig(p);
    }

    static UnifiedLog open(File dir, LogConfig config, long recoveryPoint, boolean clean) throws IOException {
        return UnifiedLog.create(dir, config, 0L, recoveryPoint, SCHEDULER, new BrokerTopicStats(), Time.SYSTEM, 300000,
            new ProducerStateManagerConfig(86400000, false), 600000, new LogDirFailureChannel(10), clean, Optional.empty());
    }
}
