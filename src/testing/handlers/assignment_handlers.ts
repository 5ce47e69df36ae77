/**
 * Who gets which queues when the broker decides: 400, and the mode of a group on a topic, 401 and 402.
 *
 * The broker sees the queues of the whole cluster, as the name servers know them. Agrees with QueryAssignmentProcessor.
 */
import {
  assignmentResult,
  type MessageRequestMode,
  queryAssignmentBody,
  type RequestModeSetting,
  requestModeSetting,
  requestModeTable,
} from "../../protocol/bodies.ts";
import { compareQueues, type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import {
  getAllMessageRequestMode,
  queryAssignment,
  setMessageRequestMode,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import {
  type AllocateStrategy,
  createAverageStrategy,
  createCircleStrategy,
} from "../../rebalance/strategies.ts";
import type { Broker } from "../broker/broker.ts";
import { Permission } from "../broker/topic_table.ts";
import { type HandlerRow, on, refuse } from "./handler.ts";

/** Queue id that stands for all queues of a broker. */
const ALL_QUEUES = -1;

/** The strategies that a broker knows. */
const STRATEGIES: readonly AllocateStrategy[] = [createAverageStrategy(), createCircleStrategy()];

/** Handlers of assignments. */
export const assignmentHandlers: readonly HandlerRow<Broker>[] = [
  on(setMessageRequestMode, (broker: Broker, _header, { body }) => {
    const setting = requestModeSetting.read(body);
    if (isRetryTopic(setting.topic ?? "")) {
      refuse(ResponseCode.NO_PERMISSION, "retry topic is not allowed to set mode");
    }
    broker.state.requestModes.set(modeKey(setting.topic, setting.consumerGroup), setting);
    return {};
  }),
  on(getAllMessageRequestMode, (broker: Broker) => {
    const map: Record<string, Record<string, RequestModeSetting>> = {};
    for (const setting of broker.state.requestModes.values()) {
      (map[setting.topic ?? ""] ??= {})[setting.consumerGroup ?? ""] = setting;
    }
    return { body: requestModeTable.write({ messageRequestModeMap: map }) };
  }),
  on(queryAssignment, (broker: Broker, _header, { body }) => {
    const { topic = "", consumerGroup = "", clientId = "", strategyName, messageModel } = queryAssignmentBody
      .read(body);
    const setting = broker.state.requestModes.get(modeKey(topic, consumerGroup));
    const mode: MessageRequestMode = setting?.mode ?? "PULL";
    const all = readableQueues(broker, topic);
    const queues = all === undefined || messageModel === "BROADCASTING" ? all : allocate(
      broker,
      { consumerGroup, clientId, strategyName, all },
      mode === "POP" ? setting : undefined,
    );
    const assignments = queues?.map((messageQueue) => ({ messageQueue, mode }));
    return { body: assignmentResult.write({ messageQueueAssignments: assignments }) };
  }),
];

function modeKey(topic = "", group = ""): string {
  return `${topic}@${group}`;
}

/** The readable queues of a topic in the whole cluster, `undefined` when no name server knows it. */
function readableQueues(broker: Broker, topic: string): MessageQueue[] | undefined {
  return broker.route(topic)?.queueDatas.filter(({ perm }) => (perm & Permission.READ) !== 0).flatMap((
    data,
  ) =>
    Array.from(
      { length: data.readQueueNums },
      (_, queueId) => ({ topic, brokerName: data.brokerName, queueId }),
    )
  );
}

interface Share {
  readonly consumerGroup: string;
  readonly clientId: string;
  readonly strategyName: string | undefined;
  readonly all: readonly MessageQueue[];
}

/** The queues of one client, `undefined` when its group has no members or the strategy is not known. */
function allocate(
  broker: Broker,
  share: Share,
  pop: RequestModeSetting | undefined,
): MessageQueue[] | undefined {
  const members = broker.members.consumerGroup(share.consumerGroup)?.members;
  if (members === undefined) return undefined;
  const strategy = STRATEGIES.find(({ name }) => name === share.strategyName);
  if (strategy === undefined) return undefined;
  const ids = [...new Set([...members.values()].map((member) => member.clientId))].sort();
  const queues = [...share.all].sort(compareQueues);
  const of = (consumerId: string): MessageQueue[] =>
    strategy.allocate({
      consumerGroup: share.consumerGroup,
      consumerId,
      messageModel: "CLUSTERING",
      allConsumerIds: ids,
      allMessageQueues: queues,
    });
  return pop === undefined
    ? of(share.clientId)
    : allocateForPop(share.clientId, pop.popShareQueueNum, ids, queues, of);
}

/** Shares of several clients overlap when messages are popped (allocate4Pop). */
function allocateForPop(
  clientId: string,
  sharedWith: number,
  ids: readonly string[],
  queues: readonly MessageQueue[],
  of: (clientId: string) => MessageQueue[],
): MessageQueue[] {
  if (sharedWith <= 0 || sharedWith >= ids.length - 1) {
    return unique(queues.map((queue) => ({ ...queue, queueId: ALL_QUEUES })));
  }
  const own = ids.indexOf(clientId);
  // With more clients than queues, each still gets one.
  if (ids.length > queues.length) return own < 0 ? [] : [queues[own % queues.length]!];
  const shares = own < 0
    ? []
    : Array.from({ length: sharedWith + 1 }, (_, step) => of(ids[(own + step) % ids.length]!));
  return unique(shares.flat());
}

function unique(queues: readonly MessageQueue[]): MessageQueue[] {
  return [...new Map(queues.map((queue) => [queueKey(queue), queue])).values()];
}
