/**
 * Looking whether there is something to pop: showing it 200052, waiting for it 200054, who waits 200055.
 *
 * Nothing is taken out and no offset moves. Agrees with PeekMessageProcessor, NotificationProcessor and PollingInfoProcessor.
 */
import { notification, peekMessage, pollingInfo } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Of } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import type { MessageFilter } from "../broker/message_filter.ts";
import { type Answer, type HandlerRow, NOT_SET, on, refusingWith } from "./handler.ts";
import { checkReadable, filterOf, joined, NOTHING_POPPED } from "./pop_handlers.ts";

type NotificationHeader = Of<typeof notification.request>;
type NotificationAnswer = Answer<typeof notification.response>;

/** What every refusal of a notification carries. */
const NO_MESSAGE = { hasMsg: "false", pollingFull: "false" };
/** A queue with this many unread messages has some that are wanted, whatever the tags (maxMessageFilterNumForNotification). */
const MANY_UNREAD = 64;
/** How many of fewer are looked at. */
const LOOKED_AT = 32;
/** One in so many peeks begins with the retry topic. */
const RETRY_FIRST = 5;

/** Handlers of looks ahead. */
export const popLookHandlers: readonly HandlerRow<Broker>[] = [
  on(peekMessage, refusingWith(NOTHING_POPPED, onPeek), { queueId: 0, maxMsgNums: 0 }),
  on(notification, refusingWith(NO_MESSAGE, onNotification), { queueId: 0, pollTime: 0, bornTime: 0 }),
  on(pollingInfo, (broker: Broker, header, request) => {
    checkReadable(broker, header, request);
    return { remark: NOT_SET, header: { pollingNum: broker.parked.sizeOf(header.topic, header.queueId) } };
  }, { queueId: 0 }),
];

function onPeek(
  broker: Broker,
  header: Of<typeof peekMessage.request>,
  request: InboundRequest,
): Answer<typeof peekMessage.response> {
  checkReadable(broker, header, request);
  const chance = broker.random.int(100);
  const retryTopic = broker.pops.retryTopic(header.topic, header.consumerGroup);
  const retries = queuesFrom(broker, retryTopic, chance);
  const own = header.queueId >= 0
    ? [{ topic: header.topic, queueId: header.queueId }]
    : queuesFrom(broker, header.topic, chance);
  const records: Uint8Array[] = [];
  let restNum = 0;
  for (const { topic, queueId } of chance % RETRY_FIRST === 0 ? [...retries, ...own] : [...own, ...retries]) {
    const { store } = broker.state;
    const from = popOffset(broker, header.consumerGroup, topic, queueId);
    restNum += Math.max(0, (store.peekQueue(topic, queueId)?.maxOffset ?? 0) - from);
    const maxMessages = header.maxMsgNums - records.length;
    if (maxMessages <= 0) continue;
    const limits = { maxMessages, maxBytes: broker.options.maxPullBytes };
    records.push(...store.read(topic, queueId, from, limits).records);
  }
  const found = records.length > 0;
  return {
    code: found ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND,
    remark: found ? "FOUND" : "NO_MESSAGE_IN_QUEUE",
    header: { popTime: 0, invisibleTime: 0, reviveQid: 0, restNum },
    body: found ? joined(records) : undefined,
  };
}

/** Says whether there are messages, waiting for some if need be. */
function onNotification(
  broker: Broker,
  header: NotificationHeader,
  request: InboundRequest,
): NotificationAnswer | Promise<NotificationAnswer> {
  checkReadable(broker, header, request);
  const until = (header.bornTime || broker.clock.now()) + header.pollTime;
  return answerOrPark(broker, header, filterOf(broker, header), until, request);
}

function answerOrPark(
  broker: Broker,
  header: NotificationHeader,
  filter: MessageFilter,
  until: number,
  request: InboundRequest,
): NotificationAnswer | Promise<NotificationAnswer> {
  const answer = (hasMsg: boolean, pollingFull = false): NotificationAnswer => ({
    remark: NOT_SET,
    header: { hasMsg, pollingFull },
  });
  if (hasMessages(broker, header, filter)) return answer(true);
  if (header.pollTime <= 0 || broker.clock.now() >= until) return answer(false);
  const { topic, consumerGroup, queueId } = header;
  const retry = broker.pops.retryTopic(topic, consumerGroup);
  return new Promise((resolve) => {
    const isParked = broker.parked.park([{ topic, queueId: Math.max(queueId, -1) }, {
      topic: retry,
      queueId: -1,
    }], {
      channel: request.channel,
      until,
      wants: (arrival) => arrival.topic !== topic || (filter.wantsTags?.(arrival.tagsCode) ?? true),
      run: () => resolve(answerOrPark(broker, header, filter, until, request)),
    });
    if (!isParked) resolve(answer(false, true));
  });
}

function hasMessages(broker: Broker, header: NotificationHeader, filter: MessageFilter): boolean {
  const { topic, consumerGroup: group, queueId, order, attemptId } = header;
  const has = (name: string, id: number, wanted: MessageFilter): boolean =>
    !(order && broker.pops.isBlocked({ group, topic, queueId: id }, attemptId)) &&
    hasUnread(broker, group, name, id, wanted);
  return (queueId >= 0 ? [{ topic, queueId }] : queuesFrom(broker, topic, 0)).some((queue) =>
    has(topic, queue.queueId, filter)
  ) || queuesFrom(broker, broker.pops.retryTopic(topic, group), 0).some((queue) =>
    has(queue.topic, queue.queueId, {})
  );
}

/** Whether a queue holds messages that a group wants and has not popped. */
function hasUnread(
  broker: Broker,
  group: string,
  topic: string,
  queueId: number,
  filter: MessageFilter,
): boolean {
  const from = popOffset(broker, group, topic, queueId);
  const queue = broker.state.store.peekQueue(topic, queueId);
  if (queue === undefined || queue.maxOffset <= from) return false;
  const { wantsTags } = filter;
  if (wantsTags === undefined || queue.maxOffset - from >= MANY_UNREAD) return true;
  for (let at = Math.max(from, queue.minOffset); at < Math.min(queue.maxOffset, from + LOOKED_AT); at++) {
    if (wantsTags(queue.tagsCode(at))) return true;
  }
  return false;
}

/** Where a group pops on; from the beginning when it never did. */
function popOffset(
  { state: { offsets, store } }: Broker,
  group: string,
  topic: string,
  queueId: number,
): number {
  return offsets.committed(group, topic, queueId) ?? store.peekQueue(topic, queueId)?.minOffset ?? 0;
}

function queuesFrom(
  { state: { topics } }: Broker,
  topic: string,
  first: number,
): { topic: string; queueId: number }[] {
  const count = topics.get(topic)?.readQueueNums ?? 0;
  return Array.from({ length: count }, (_, step) => ({ topic, queueId: (first + step) % count }));
}
