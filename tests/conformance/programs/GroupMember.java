import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * A member of a group in the official Java client, for the scenario of a mixed group. Says which queues it holds whenever that
 * changes (`queues broker:id,...`), and every body that it consumes (`message <body>`). Leaves when its input ends.
 */
public class GroupMember {
    public static void main(String[] args) throws Exception {
        String topic = args[2];
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[1]);
        consumer.setNamesrvAddr(args[0]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                System.out.println("message " + new String(message.getBody(), StandardCharsets.UTF_8));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Thread watch = new Thread(() -> watchQueues(consumer, topic));
        watch.setDaemon(true);
        watch.start();
        while (System.in.read() >= 0) {
            continue;
        }
        consumer.shutdown();
        System.exit(0);
    }

    private static void watchQueues(DefaultMQPushConsumer consumer, String topic) {
        String last = null;
        while (true) {
            Collection<MessageQueue> held = consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl()
                .getProcessQueueTable().keySet();
            String now = held.stream().filter(queue -> queue.getTopic().equals(topic)).sorted()
                .map(queue -> queue.getBrokerName() + ":" + queue.getQueueId()).collect(Collectors.joining(","));
            if (!now.equals(last)) {
                System.out.println("queues " + now);
                last = now;
            }
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                return;
            }
        }
    }
}
