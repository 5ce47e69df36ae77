/**
 * What a subscription lets through, as a broker judges it: by the hash of the tag.
 *
 * Agrees with ExpressionMessageFilter: only the expression `*` passes everything, an expression without any tag nothing.
 */
import type { SubscriptionData } from "../../protocol/subscription_data.ts";

/** Judges messages; an absent question is answered by yes. */
export interface MessageFilter {
  /** By the queue's tags code. */
  readonly wantsTags?: ((tagsCode: number) => boolean) | undefined;
  /** By the record. */
  readonly wantsRecord?: ((record: Uint8Array) => boolean) | undefined;
  /** By the properties alone, in stored form. */
  readonly wantsProperties?: ((properties: string) => boolean) | undefined;
}

/** The filter of a subscription. */
export function subscriptionFilter(subscription: SubscriptionData): MessageFilter {
  if (subscription.expressionType !== "TAG" || subscription.subString === "*") return {};
  const codes = new Set(subscription.codeSet);
  return { wantsTags: (tagsCode) => codes.has(tagsCode) };
}
