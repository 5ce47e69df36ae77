/**
 * Membership: heartbeats 34, leaving 35, who is there 38, checking a subscription 46, queue locks 41 and 42.
 *
 * A heartbeat makes what its groups need (the group, its retry topic) and registers the connection; the members are told of
 * a change before the heartbeat itself is answered. Agrees with ClientManageProcessor.
 */
import {
  checkClientConfigBody,
  type ConsumerData,
  consumerIdList,
  heartbeatData,
  lockBatch,
  lockBatchResult,
} from "../../protocol/bodies.ts";
import { retryTopic } from "../../protocol/names.ts";
import {
  checkClientConfig,
  getConsumerListByGroup,
  heartBeat,
  lockBatchMq,
  unlockBatchMq,
  unregisterClient,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Broker } from "../broker/broker.ts";
import type { Member } from "../broker/member_table.ts";
import { type Answer, type HandlerRow, on } from "./handler.ts";

/** Handlers of membership and queue locks. */
export const memberHandlers: readonly HandlerRow<Broker>[] = [
  on(heartBeat, onHeartbeat),
  on(unregisterClient, (broker: Broker, header, { channel }) => {
    if (header.producerGroup !== undefined) broker.members.unregisterProducer(header.producerGroup, channel);
    if (header.consumerGroup !== undefined) broker.members.unregisterConsumer(header.consumerGroup, channel);
    return { fields: {} };
  }, { clientID: "" }),
  on(getConsumerListByGroup, (broker: Broker, { consumerGroup }) => {
    const members = broker.members.consumerGroup(consumerGroup)?.members;
    if (members === undefined) {
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `no consumer for this group, ${consumerGroup}`,
        fields: {},
      };
    }
    const ids = [...members.values()].map((member) => member.clientId);
    return { fields: {}, body: consumerIdList.write({ consumerIdList: ids }) };
  }),
  on(checkClientConfig, (broker: Broker, _header, { body }) => {
    if (body.length === 0) return {};
    const { subscriptionData } = checkClientConfigBody.read(body);
    if (subscriptionData !== undefined) broker.checkExpression(subscriptionData);
    return {};
  }),
  on(lockBatchMq, (broker: Broker, _header, { body }) => {
    const { consumerGroup, clientId, mqSet } = lockBatch.read(body);
    const held = broker.locks.lock(consumerGroup ?? "", mqSet, clientId ?? "", broker.clock.now());
    return { body: lockBatchResult.write({ lockOKMQSet: held }) };
  }),
  on(unlockBatchMq, (broker: Broker, _header, { body }) => {
    const { consumerGroup, clientId, mqSet } = lockBatch.read(body);
    broker.locks.unlock(consumerGroup ?? "", mqSet, clientId ?? "");
    return {};
  }),
];

function onHeartbeat(
  broker: Broker,
  _header: unknown,
  { command, body, channel }: InboundRequest,
): Answer<typeof heartBeat.response> {
  const data = heartbeatData.read(body);
  const member: Member = {
    clientId: data.clientID ?? "",
    channel,
    language: command.language,
    version: command.version,
    lastSeenAt: broker.clock.now(),
  };
  const fingerprint = data.heartbeatFingerprint;
  let changed = fingerprint === 0;
  for (const consumer of data.consumerDataSet) {
    const before = broker.members.fingerprints.get(consumer.groupName);
    if (before !== undefined && before !== fingerprint) changed = true;
    broker.members.fingerprints.set(consumer.groupName, fingerprint);
    registerConsumer(broker, consumer, member, fingerprint !== 0 && data.withoutSub);
  }
  for (const producer of data.producerDataSet) broker.members.registerProducer(producer.groupName, member);
  return { header: { supportsHeartbeatV2: true, subscriptionChanged: changed } };
}

function registerConsumer(broker: Broker, data: ConsumerData, member: Member, withoutSub: boolean): void {
  const group = broker.state.groups.find(data.groupName);
  if (group === undefined) return;
  if (group.retryQueueNums > 0) {
    broker.state.topics.ensure(retryTopic(data.groupName), group.retryQueueNums, data.unitMode);
  }
  broker.members.registerConsumer(data, member, withoutSub);
}
