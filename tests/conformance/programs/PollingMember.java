import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * A member of a group in the official Java client that polls (DefaultLitePullConsumer), for the scenario of a mixed group. Says
 * the same as GroupMember. Commits what it polled at once, and leaves when its input ends.
 */
public class PollingMember {
    private static volatile boolean leaving = false;

    public static void main(String[] args) {
        try {
            run(args);
            System.exit(0);
        } catch (Exception e) {
            // threads of the client would keep the process alive, a member that is not one
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static void run(String[] args) throws Exception {
        String topic = args[2];
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(args[1]);
        consumer.setNamesrvAddr(args[0]);
        // a machine that starts several JVMs and compiles their programs needs longer for a first request than three seconds
        consumer.setMqClientApiTimeout(20_000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(false);
        consumer.subscribe(topic, "*");
        consumer.start();
        Thread input = new Thread(PollingMember::awaitEnd);
        input.setDaemon(true);
        input.start();
        String last = null;
        while (!leaving) {
            String now = names(consumer.assignment(), topic);
            if (!now.equals(last)) {
                System.out.println("queues " + now);
                last = now;
            }
            long began = System.currentTimeMillis();
            List<MessageExt> messages = consumer.poll(100);
            for (MessageExt message : messages) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                System.out.println("message " + message.getBrokerName() + ":" + message.getQueueId() + " "
                    + message.getQueueOffset() + " " + body + " " + began + " " + System.currentTimeMillis());
            }
            consumer.commit(consumer.assignment(), true);
        }
        consumer.shutdown();
    }

    private static void awaitEnd() {
        try {
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        } finally {
            leaving = true;
        }
    }

    private static String names(Collection<MessageQueue> queues, String topic) {
        return queues.stream().filter(queue -> queue.getTopic().equals(topic)).sorted()
            .map(queue -> queue.getBrokerName() + ":" + queue.getQueueId()).collect(Collectors.joining(","));
    }
}
