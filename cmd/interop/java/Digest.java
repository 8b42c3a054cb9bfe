import java.util.zip.CRC32C;

/** Prints a key or a value in Kafka's log dump as its length and CRC-32C, so that any bytes fit in a line. */
public class Digest implements org.apache.kafka.tools.api.Decoder<String> {
    @Override
    public String fromBytes(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return String.format("%d:%08x", bytes.length, crc.getValue());
    }
}
