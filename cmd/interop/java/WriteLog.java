import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.UnifiedLog;

/** Writes the batches of a JSON file with Kafka's own log: WriteLog INPUT DIRECTORY CODEC... */
public class WriteLog {
    public static void main(String[] args) throws Exception {
        JsonNode input = new ObjectMapper().readTree(new File(args[0]));
        Kafka.SCHEDULER.startup();
        for (int i = 2; i < args.length; i++) {
            File dir = new File(new File(args[1], args[i]), "topic-0");
            if (!dir.mkdirs()) throw new IllegalStateException(dir + " exists");
            UnifiedLog log = Kafka.open(dir,
                Kafka.config(input.get("segment_bytes").asInt(), input.get("index_interval_bytes").asInt()), 0, true);
            for (JsonNode batch : input.get("batches")) {
                boolean marker = batch.hasNonNull("marker");
                log.appendAsLeader(records(batch, CompressionType.forName(args[i])), batch.get("epoch").asInt(),
                    marker ? AppendOrigin.COORDINATOR : AppendOrigin.CLIENT);
            }
            log.flush(true);
            log.close();
            System.out.println(args[i] + " " + log.logEndOffset());
        }
        Kafka.SCHEDULER.shutdown();
    }

    private static MemoryRecords records(JsonNode batch, CompressionType codec) {
        boolean marker = batch.hasNonNull("marker");
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 16), RecordBatch.MAGIC_VALUE_V2,
            Compression.of(marker ? CompressionType.NONE : codec).build(), TimestampType.CREATE_TIME, 0L,
            RecordBatch.NO_TIMESTAMP, batch.get("producer_id").asLong(), (short) batch.get("producer_epoch").asInt(),
            batch.get("sequence").asInt(), batch.get("transactional").asBoolean(), marker, -1, 8 << 20);
        for (JsonNode r : batch.get("records")) {
            if (marker) {
                ControlRecordType type = ControlRecordType.valueOf(batch.get("marker").asText().toUpperCase());
                builder.appendEndTxnMarker(r.get("timestamp").asLong(), new EndTransactionMarker(type, 7));
            } else {
                builder.append(r.get("timestamp").asLong(), bytes(r.get("key")), bytes(r.get("value")), headers(r));
            }
        }
        return builder.build();
    }

    private static byte[] bytes(JsonNode text) {
        return text == null || text.isNull() ? null : text.asText().getBytes(StandardCharsets.UTF_8);
    }

    private static Header[] headers(JsonNode record) {
        List<Header> out = new ArrayList<>();
        for (JsonNode h : record.path("headers")) out.add(new RecordHeader(h.get("key").asText(), bytes(h.get("value"))));
        return out.toArray(new Header[0]);
    }
}
