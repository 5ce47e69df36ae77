/**
 * What scenarios of popping share: members that pop, and brokers that know it.
 */
import type { Consumer } from "@contrail/rocketmq";
import { bareRequest, brokerAddresses, RequestCode } from "./bare_request.ts";
import type { Stage, StagedConsumer } from "./scenario.ts";

/** The answer of a broker to a request that it does not know. */
const NOT_SUPPORTED = 3;

/** Whether the brokers are of 5.0 or later. */
export async function knowsPop(t: Stage): Promise<boolean> {
  const [address] = (await brokerAddresses(t.namesrvAddr.split(";")[0]!)).values();
  return (await bareRequest(address!, RequestCode.GET_ALL_MESSAGE_REQUEST_MODE)).code !== NOT_SUPPORTED;
}

/** A consumer that pops. Skips the scenario where no broker knows how. */
export async function popping(t: Stage, config: StagedConsumer = {}): Promise<Consumer> {
  if (!await knowsPop(t)) t.skip("brokers before 5.0 know no POP");
  return t.consumer({ messageRequestMode: "POP", ...config });
}

/** Whether a consumer pops a topic: the brokers name no single queue then. */
export function isPopping(consumer: Consumer, topic: string): boolean {
  return consumer.assignment().some((queue) => queue.topic === topic && queue.queueId === -1);
}
