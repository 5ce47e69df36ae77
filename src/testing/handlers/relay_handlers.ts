/**
 * What administrators ask of clients, through the broker: 307 and 309 to one consumer, 223 as 221 to all, and the offset reset 222.
 *
 * A reset is kept by the broker for the next pulls, or pushed to the members as 220 when the broker is told to behave as before
 * 5.2. Agrees with AdminBrokerProcessor.callConsumer and resetOffsetInner, and Broker2Client.
 */
import { BrokerError, TimeoutError } from "../../core/errors.ts";
import { decodeOffsetId } from "../../message/ids.ts";
import { consumerStatus, resetOffset, resetOffsetList } from "../../protocol/bodies.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import {
  consumeMessageDirectly,
  getConsumerRunningInfo,
  getConsumerStatusFromClient,
  invokeBrokerToGetConsumerStatus,
  invokeBrokerToResetOffset,
  resetConsumerClientOffset,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { Fields, Of, Operation } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import { type Answer, type HandlerRow, NULL_TEXT, on, refuse } from "./handler.ts";

const RELAY_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 5000;

type ResetHeader = Of<typeof invokeBrokerToResetOffset.request>;

/** Handlers of what is passed on to clients. */
export const relayHandlers: readonly HandlerRow<Broker>[] = [
  on(
    getConsumerRunningInfo,
    (broker: Broker, header) =>
      relay(broker, getConsumerRunningInfo, header.consumerGroup, header.clientId, header),
    { clientId: NULL_TEXT },
  ),
  on(consumeMessageDirectly, (broker: Broker, header) => {
    const { topics, groups, store } = broker.state;
    const body = store.record(decodeOffsetId(header.msgId ?? "").offset) ??
      refuse(ResponseCode.SYSTEM_ERROR, `can not find message by the id, ${header.msgId}`);
    return relay(broker, consumeMessageDirectly, header.consumerGroup, header.clientId ?? NULL_TEXT, {
      ...header,
      brokerName: broker.name,
      topicSysFlag: header.topic === undefined ? undefined : topics.get(header.topic)?.topicSysFlag,
      groupSysFlag: groups.find(header.consumerGroup)?.groupSysFlag,
    }, body);
  }),
  on(invokeBrokerToGetConsumerStatus, onGetStatus),
  on(
    invokeBrokerToResetOffset,
    (broker: Broker, header, { command }) =>
      broker.options.useServerSideResetOffset
        ? resetHere(broker, header)
        : pushReset(broker, header, command.language === "CPP"),
  ),
];

/** Makes the same request to a consumer and passes its answer on, whatever its code. */
async function relay<Q extends Fields>(
  broker: Broker,
  operation: Operation<Q, Fields>,
  group: string,
  clientId: string,
  header: Of<Q>,
  body?: Uint8Array,
): Promise<Answer<Record<never, never>>> {
  const member = broker.members.consumer(group, clientId);
  if (member === undefined) {
    refuse(ResponseCode.SYSTEM_ERROR, `The Consumer <${group}> <${clientId}> not online`);
  }
  try {
    const reply = await member.channel.call(operation, header, { body, timeoutMs: RELAY_TIMEOUT_MS });
    return { remark: reply.remark, fields: reply.extFields, body: reply.body };
  } catch (error) {
    if (error instanceof BrokerError) throw refusalOf(error);
    const met = error instanceof Error ? error.message : String(error);
    if (error instanceof TimeoutError) {
      refuse(ResponseCode.CONSUME_MSG_TIMEOUT, `consumer <${group}> <${clientId}> Timeout: ${met}`);
    }
    refuse(ResponseCode.SYSTEM_ERROR, `invoke consumer <${group}> <${clientId}> Exception: ${met}`);
  }
}

/** The client's own refusal, without what the channel says about it. */
function refusalOf(error: BrokerError): BrokerError {
  const { responseCode = ResponseCode.SYSTEM_ERROR, remark = "" } = error.facts;
  return new BrokerError(remark, { responseCode, remark });
}

async function onGetStatus(
  broker: Broker,
  { topic, group, clientAddr }: Of<typeof invokeBrokerToGetConsumerStatus.request>,
): Promise<Answer<Record<never, never>>> {
  const members = [...broker.members.consumerGroup(group)?.members.values() ?? []];
  if (members.length === 0) {
    refuse(ResponseCode.SYSTEM_ERROR, `No Any Consumer online in the consumer group: [${group}]`);
  }
  const consumerTable: Record<string, ReadonlyMap<MessageQueue, number>> = {};
  const asked = members.filter((member) => !clientAddr || member.clientId === clientAddr);
  await Promise.all(asked.map(async ({ clientId, channel }) => {
    try {
      const { body } = await channel.call(getConsumerStatusFromClient, { topic, group }, {
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      consumerTable[clientId] = consumerStatus.read(body).messageQueueTable;
    } catch {
      // A client that cannot tell is left out of the answer, as in Java.
    }
  }));
  return { body: consumerStatus.write({ messageQueueTable: new Map(), consumerTable }) };
}

function resetHere(broker: Broker, header: ResetHeader): Answer<Record<never, never>> {
  const { topics, groups, offsets } = broker.state;
  const { topic, group, timestamp } = header;
  const config = topics.get(topic) ?? refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
  if (groups.peek(group) === undefined) {
    refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`);
  }
  const table = new Map<MessageQueue, number>();
  const place = (queueId: number, offset: number): void =>
    void table.set({ topic, brokerName: broker.name, queueId }, offset);
  const queueId = header.queueId ?? -1;
  if (queueId >= 0) {
    place(queueId, givenOffset(broker, header) ?? offsetAt(broker, topic, queueId, timestamp));
  } else for (let id = 0; id < config.readQueueNums; id++) place(id, offsetAt(broker, topic, id, timestamp));
  for (const [queue, offset] of table) {
    offsets.reset(group, topic, queue.queueId, offset);
  }
  return { body: resetOffset.write({ offsetTable: table }) };
}

function givenOffset(broker: Broker, { topic, queueId, offset }: ResetHeader): number | undefined {
  if (offset === undefined || offset === -1) return undefined;
  const { minOffset, maxOffset } = broker.state.store.queue(topic, queueId!);
  if (offset < minOffset || offset > maxOffset + 1) {
    refuse(
      ResponseCode.SYSTEM_ERROR,
      `Target offset ${offset} not in consume queue range [${minOffset}-${maxOffset}]`,
    );
  }
  return offset;
}

/** Where a queue is to be read from to see what was stored at `timestamp` and later; −1 is its end. */
function offsetAt(broker: Broker, topic: string, queueId: number, timestamp: number): number {
  const { store } = broker.state;
  return timestamp < 0
    ? store.queue(topic, queueId).maxOffset
    : store.searchByTime(topic, queueId, timestamp);
}

function pushReset(broker: Broker, header: ResetHeader, asList: boolean): Answer<Record<never, never>> {
  const { topics, offsets } = broker.state;
  const { topic, group, timestamp, isForce } = header;
  const config = topics.get(topic) ??
    refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`,
    );
  const table = new Map<MessageQueue, number>();
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const stored = offsets.committed(group, topic, queueId) ??
      refuse(ResponseCode.SYSTEM_ERROR, `THe consumer group <${group}> not exist`);
    const wanted = offsetAt(broker, topic, queueId, timestamp);
    table.set({ topic, brokerName: broker.name, queueId }, isForce ? wanted : Math.min(wanted, stored));
  }
  const members = [...broker.members.consumerGroup(group)?.members.keys() ?? []];
  if (members.length === 0) {
    refuse(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`,
    );
  }
  const body = asList
    ? resetOffsetList.write({ offsetTable: [...table].map(([queue, offset]) => ({ ...queue, offset })) })
    : resetOffset.write({ offsetTable: table });
  for (const channel of members) {
    broker.tell(channel, resetConsumerClientOffset, { topic, group, timestamp, isForce: false }, body);
  }
  return { body: resetOffset.write({ offsetTable: table }) };
}
