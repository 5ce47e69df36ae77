/**
 * The fields that request headers inherit since 5.0, spread into the rows that have them.
 *
 * Java's RpcRequestHeader and TopicRequestHeader. Only proxies and static topics need them; a plain broker ignores
 * them. `bname` is the wire key (and Java's field name) of the target broker's name.
 */
import { bool, opt, str } from "../../wire/schema.ts";

/** What RpcRequestHeader adds: namespace, whether it was given explicitly, target broker's name, one-way mark. */
export const rpcFields = { ns: opt(str), nsd: opt(bool), bname: opt(str), oway: opt(bool) } as const;

/** What TopicRequestHeader adds: whether the queue is a logical one of a static topic. */
export const topicFields = { ...rpcFields, lo: opt(bool) } as const;
