/*
 * The official Java client as a peer; words and fields as in ../measure.ts.
 *
 * Options are the client's defaults but for those that every peer of the comparison is told.
 */
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public final class PeerBench {
    private static final Map<String, String> VALUES = new HashMap<>();
    private static final String UNIQUE = ProcessHandle.current().pid() + "_" + System.nanoTime();
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static String what;

    private static String text(String name, String fallback) {
        return VALUES.getOrDefault(name, fallback);
    }

    private static int number(String name, int fallback) {
        return Integer.parseInt(text(name, Integer.toString(fallback)));
    }

    private static double cpuSeconds() {
        return SYSTEM.getProcessCpuTime() / 1e9;
    }

    private static long memoryMib(String field) throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(field + ":")) return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
        }
        return 0;
    }

    private static void report(long n, double secs, double cpuSecs, String more) throws Exception {
        System.out.println(String.format(Locale.ROOT,
            "{\"peer\":\"java\",\"what\":\"%s\",\"topic\":\"%s\",\"n\":%d,\"secs\":%.4f,\"rate\":%.0f,\"cpu_s\":%.3f,"
                + "\"cpu_us_per_msg\":%.2f,\"rss_mib\":%d,\"hwm_mib\":%d,%s}",
            what, text("topic", ""), n, secs, n / secs, cpuSecs, cpuSecs * 1e6 / n,
            memoryMib("VmRSS"), memoryMib("VmHWM"), more));
    }

    private static String percentiles(long[] nanos, int count) {
        long[] sorted = Arrays.copyOf(nanos, count);
        Arrays.sort(sorted);
        int last = count - 1;
        return String.format(Locale.ROOT, "\"p50_us\":%d,\"p90_us\":%d,\"p99_us\":%d,\"max_us\":%d",
            sorted[(int) (last * 0.5)] / 1000, sorted[(int) (last * 0.9)] / 1000,
            sorted[(int) (last * 0.99)] / 1000, sorted[last] / 1000);
    }

    private static DefaultMQProducer newProducer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("PG_java_" + UNIQUE);
        producer.setNamesrvAddr(text("ns", "127.0.0.1:19876"));
        producer.setInstanceName("producer");
        producer.start();
        return producer;
    }

    private static DefaultMQPushConsumer newConsumer(ConsumeFromWhere from, MessageListenerConcurrently listener)
        throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("CG_java_" + UNIQUE);
        consumer.setNamesrvAddr(text("ns", "127.0.0.1:19876"));
        consumer.setInstanceName("consumer");
        consumer.setConsumeFromWhere(from);
        consumer.setConsumeThreadMin(number("slots", 20));
        consumer.setConsumeThreadMax(number("slots", 20));
        consumer.setPullBatchSize(number("pull", 32));
        consumer.subscribe(text("topic", ""), "*");
        consumer.registerMessageListener(listener);
        return consumer;
    }

    private static void drain() throws Exception {
        int n = number("n", 200_000);
        AtomicIntegerArray seen = new AtomicIntegerArray(n);
        AtomicInteger distinct = new AtomicInteger();
        AtomicInteger repeated = new AtomicInteger();
        AtomicLong bytes = new AtomicLong();
        AtomicBoolean begun = new AtomicBoolean();
        long[] at = new long[2];
        double[] cpu = new double[2];
        CountDownLatch done = new CountDownLatch(1);
        MessageListenerConcurrently listener = (messages, context) -> {
            if (!begun.get() && begun.compareAndSet(false, true)) {
                at[0] = System.nanoTime();
                cpu[0] = cpuSeconds();
            }
            for (MessageExt message : messages) {
                byte[] body = message.getBody();
                bytes.addAndGet(body.length);
                if (!seen.compareAndSet(ByteBuffer.wrap(body).getInt(4), 0, 1)) repeated.incrementAndGet();
                else if (distinct.incrementAndGet() == n) {
                    at[1] = System.nanoTime();
                    cpu[1] = cpuSeconds();
                    done.countDown();
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
        long startedAt = System.nanoTime();
        newConsumer(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, listener).start();
        if (!done.await(number("limit", 120), TimeUnit.SECONDS)) {
            throw new IllegalStateException(distinct.get() + " came in time");
        }
        Thread.sleep(200);
        report(n, (at[1] - at[0]) / 1e9, cpu[1] - cpu[0], String.format(Locale.ROOT,
            "\"repeated\":%d,\"body_bytes\":%d,\"start_to_first_s\":%.2f,\"mode\":\"listener\",\"pull\":%d",
            repeated.get(), bytes.get(), (at[0] - startedAt) / 1e9, number("pull", 32)));
    }

    private static long[] sendMany(DefaultMQProducer producer, byte[] body, int total, int inFlight, AtomicInteger refused)
        throws Exception {
        long[] nanos = new long[total];
        Semaphore slots = new Semaphore(inFlight);
        for (int i = 0; i < total; i++) {
            slots.acquire();
            int index = i;
            long at = System.nanoTime();
            producer.send(new Message(text("topic", ""), body), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    nanos[index] = System.nanoTime() - at;
                    if (result.getSendStatus() != SendStatus.SEND_OK) refused.incrementAndGet();
                    slots.release();
                }

                @Override
                public void onException(Throwable error) {
                    refused.incrementAndGet();
                    slots.release();
                }
            });
        }
        slots.acquire(inFlight);
        return nanos;
    }

    private static void send() throws Exception {
        int n = number("n", 20_000);
        int inFlight = number("inflight", 16);
        byte[] body = new byte[number("size", 1024)];
        for (int i = 0; i < body.length; i++) body[i] = (byte) (i * 31);
        DefaultMQProducer producer = newProducer();
        AtomicInteger refused = new AtomicInteger();
        sendMany(producer, body, number("warm", 1000), inFlight, refused);
        double cpu = cpuSeconds();
        long at = System.nanoTime();
        long[] nanos = sendMany(producer, body, n, inFlight, refused);
        double secs = (System.nanoTime() - at) / 1e9;
        double cpuSecs = cpuSeconds() - cpu;
        report(n, secs, cpuSecs, String.format("\"inflight\":%d,\"refused\":%d,%s", inFlight, refused.get(),
            percentiles(nanos, n)));
    }

    private static void sendPaced(DefaultMQProducer producer, int rate, int count) throws Exception {
        long startedAt = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long dueAt = startedAt + i * 1_000_000_000L / rate;
            for (long early = dueAt - System.nanoTime(); early > 0; early = dueAt - System.nanoTime()) {
                LockSupport.parkNanos(early);
            }
            byte[] body = new byte[1024];
            ByteBuffer.wrap(body).putLong(System.nanoTime());
            producer.send(new Message(text("topic", ""), body));
        }
    }

    private static void latency() throws Exception {
        int rate = number("rate", 500);
        int total = rate * number("secs", 10);
        long[] nanos = new long[total];
        AtomicInteger count = new AtomicInteger();
        AtomicBoolean counts = new AtomicBoolean();
        newConsumer(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET, (messages, context) -> {
            long now = System.nanoTime();
            for (MessageExt message : messages) {
                long took = now - ByteBuffer.wrap(message.getBody()).getLong();
                if (!counts.get() || took <= 0 || took > 60_000_000_000L) continue;
                int index = count.getAndIncrement();
                if (index < total) nanos[index] = took;
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        }).start();
        DefaultMQProducer producer = newProducer();
        Thread.sleep(number("settle", 5000));
        sendPaced(producer, rate, rate * 3);
        Thread.sleep(500);
        counts.set(true);
        double cpu = cpuSeconds();
        long at = System.nanoTime();
        sendPaced(producer, rate, total);
        double secs = (System.nanoTime() - at) / 1e9;
        Thread.sleep(1000);
        double cpuSecs = cpuSeconds() - cpu;
        int n = Math.min(count.get(), total);
        report(n, secs, cpuSecs, String.format("\"sent\":%d,%s", total, percentiles(nanos, n)));
    }

    public static void main(String[] args) throws Exception {
        what = args[0];
        for (String word : Arrays.asList(args).subList(1, args.length)) {
            String[] pair = word.split("=", 2);
            VALUES.put(pair[0], pair[1]);
        }
        switch (what) {
            case "drain": drain(); break;
            case "send": send(); break;
            case "latency": latency(); break;
            default: throw new IllegalArgumentException("known are drain, send and latency, not " + what);
        }
        System.exit(0); // the client's threads are not waited for
    }
}
