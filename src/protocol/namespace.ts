/**
 * Namespaces: tenants on one cluster, told apart by a prefix of topic and group names.
 *
 * `ns` and `T` become `ns%T`; `%RETRY%` and `%DLQ%` stay in front (`%RETRY%ns%g`). System names are never wrapped.
 * Agrees with NamespaceUtil and NameServerAddressUtils.
 */
import type { MessageQueue } from "./message_queue.ts";
import { DLQ_PREFIX, isDlqTopic, isRetryTopic, isSystemGroup, isSystemTopic, RETRY_PREFIX } from "./names.ts";

const SEPARATOR = "%";
const INSTANCE_ENDPOINT = /^(?:\w+:\/\/|)MQ_INST_\w+_\w+\..*$/;

/** Splits `%RETRY%` or `%DLQ%` off a name. */
function splitPrefix(resource: string): [prefix: string, name: string] {
  if (isRetryTopic(resource)) return [RETRY_PREFIX, resource.slice(RETRY_PREFIX.length)];
  if (isDlqTopic(resource)) return [DLQ_PREFIX, resource.slice(DLQ_PREFIX.length)];
  return ["", resource];
}

/** Whether `resource` is a topic or group of the system. */
export function isSystemResource(resource: string): boolean {
  return isSystemTopic(resource) || isSystemGroup(resource);
}

/** `resource` without `%RETRY%` or `%DLQ%` in front. */
export function withoutRetryAndDlq(resource: string): string {
  return splitPrefix(resource)[1];
}

/** `resource` within `namespace`; unchanged without a namespace, for system names, and when it is wrapped already. */
export function wrapNamespace(namespace: string | null | undefined, resource: string): string {
  if (!namespace || resource === "" || isSystemResource(resource)) return resource;
  const [prefix, name] = splitPrefix(resource);
  return name.startsWith(namespace + SEPARATOR) ? resource : prefix + namespace + SEPARATOR + name;
}

/** The retry topic of `group` within `namespace`; undefined without a group. */
export function wrapNamespaceAndRetry(
  namespace: string | null | undefined,
  group: string,
): string | undefined {
  return group === "" ? undefined : RETRY_PREFIX + wrapNamespace(namespace, group);
}

/** `resource` without its namespace, whatever that is. */
export function withoutAnyNamespace(resource: string): string {
  if (resource === "" || isSystemResource(resource)) return resource;
  const [prefix, name] = splitPrefix(resource);
  const at = name.indexOf(SEPARATOR);
  return at > 0 ? prefix + name.slice(at + 1) : resource;
}

/** `resource` without `namespace`; unchanged when it lies in another one or in none. */
export function withoutNamespace(namespace: string | null | undefined, resource: string): string {
  if (!namespace || resource === "") return resource;
  return withoutRetryAndDlq(resource).startsWith(namespace + SEPARATOR)
    ? withoutAnyNamespace(resource)
    : resource;
}

/** `queue` with its topic within `namespace`; itself where that changes nothing. */
export function wrapQueue(namespace: string | null | undefined, queue: MessageQueue): MessageQueue {
  return renamed(queue, wrapNamespace(namespace, queue.topic));
}

/** `queue` with its topic without `namespace`; itself where that changes nothing. */
export function unwrapQueue(namespace: string | null | undefined, queue: MessageQueue): MessageQueue {
  return renamed(queue, withoutNamespace(namespace, queue.topic));
}

function renamed(queue: MessageQueue, topic: string): MessageQueue {
  return topic === queue.topic ? queue : { ...queue, topic };
}

/** The namespace that `resource` lies in, `""` when in none. */
export function namespaceOf(resource: string): string {
  if (resource === "" || isSystemResource(resource)) return "";
  const name = withoutRetryAndDlq(resource);
  const at = name.indexOf(SEPARATOR);
  return at > 0 ? name.slice(0, at) : "";
}

/** Whether an address names a cloud instance, whose id is then its namespace. */
export function isInstanceEndpoint(endpoint: string): boolean {
  return INSTANCE_ENDPOINT.test(endpoint);
}

/** The host's first label: the instance id of an instance endpoint; undefined when the host has no dot. */
export function instanceIdOf(endpoint: string): string | undefined {
  const start = endpoint.lastIndexOf("/") + 1;
  const end = endpoint.indexOf(".");
  return end < start ? undefined : endpoint.slice(start, end);
}

/** `host:port` of an endpoint that may begin with a scheme. */
export function addressOfEndpoint(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf("/") + 1);
}
