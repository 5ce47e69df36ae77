import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * A member of a group in the official Java client, for the scenarios of mixed groups. Its mode is concurrent, orderly,
 * broadcasting or popping. Says which queues it holds whenever that changes (`queues broker:id,...`), and of every message
 * `message <broker:id> <offset> <body> <began> <ended>`, with times in milliseconds since the epoch. A fifth argument is the
 * namespace. Each line of its input is sent to the topic as a message. Leaves when its input ends.
 */
public class GroupMember {
    /** Time that a message takes, in milliseconds. */
    private static final long WORK_MS = 3;

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
        String mode = args[3];
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[1]);
        consumer.setNamesrvAddr(args[0]);
        // a machine that starts several JVMs and compiles their programs needs longer for a first request than three seconds
        consumer.setMqClientApiTimeout(20_000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAwaitTerminationMillisWhenShutdown(5000);
        if (args.length > 4) {
            consumer.setNamespace(args[4]);
        }
        consumer.subscribe(topic, "*");
        if (mode.equals("broadcasting")) {
            broadcast(consumer);
        }
        if (mode.equals("popping")) {
            DefaultMQPushConsumer.class.getMethod("setClientRebalance", boolean.class).invoke(consumer, false);
        }
        if (mode.equals("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                consume(messages, context.getMessageQueue());
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                consume(messages, context.getMessageQueue());
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        consumer.start();
        Thread watch = new Thread(() -> watchQueues(consumer, topic));
        watch.setDaemon(true);
        watch.start();
        sendLines(consumer, topic);
        consumer.shutdown();
    }

    /** Sends each line of the input as a message, until the input ends. */
    private static void sendLines(DefaultMQPushConsumer consumer, String topic) throws Exception {
        DefaultMQProducer producer = null;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (producer == null) {
                producer = new DefaultMQProducer("java-producers");
                producer.setNamesrvAddr(consumer.getNamesrvAddr());
                producer.setNamespace(consumer.getNamespace());
                producer.start();
            }
            producer.send(new Message(topic, line.getBytes(StandardCharsets.UTF_8)));
        }
        if (producer != null) {
            producer.shutdown();
        }
    }

    /** The type of the message model lies in other packages in 4.9 than in 5.x. */
    private static void broadcast(DefaultMQPushConsumer consumer) throws Exception {
        for (Method method : DefaultMQPushConsumer.class.getMethods()) {
            if (!method.getName().equals("setMessageModel")) {
                continue;
            }
            for (Object model : method.getParameterTypes()[0].getEnumConstants()) {
                if (model.toString().equals("BROADCASTING")) {
                    method.invoke(consumer, model);
                }
            }
        }
    }

    private static void consume(List<MessageExt> messages, MessageQueue queue) {
        for (MessageExt message : messages) {
            long began = System.currentTimeMillis();
            try {
                Thread.sleep(WORK_MS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            String body = new String(message.getBody(), StandardCharsets.UTF_8);
            System.out.println("message " + name(queue) + " " + message.getQueueOffset() + " " + body + " " + began
                + " " + System.currentTimeMillis());
        }
    }

    private static String name(MessageQueue queue) {
        return queue.getBrokerName() + ":" + queue.getQueueId();
    }

    /** The queues that it pops, which 4.9 knows nothing of. */
    @SuppressWarnings("unchecked")
    private static Collection<MessageQueue> popped(DefaultMQPushConsumer consumer) {
        Object rebalance = consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl();
        try {
            Method table = rebalance.getClass().getMethod("getPopProcessQueueTable");
            return ((Map<MessageQueue, ?>) table.invoke(rebalance)).keySet();
        } catch (ReflectiveOperationException e) {
            return List.of();
        }
    }

    private static void watchQueues(DefaultMQPushConsumer consumer, String topic) {
        String last = null;
        while (true) {
            List<MessageQueue> held = new ArrayList<>(consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl()
                .getProcessQueueTable().keySet());
            held.addAll(popped(consumer));
            String now = held.stream().filter(queue -> queue.getTopic().equals(consumer.withNamespace(topic))).sorted()
                .map(GroupMember::name).collect(Collectors.joining(","));
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
