/**
 * What a subscription lets through, as a broker judges it: by the hash of the tag, or by an SQL92 selector over the properties.
 *
 * Agrees with ExpressionMessageFilter: of tag expressions only `*` passes everything, one without any tag passes nothing. Selectors are
 * compiled once and kept, as many pulls carry the same text.
 */
import { InvalidSelectorError } from "../../core/errors.ts";
import { decodeProperties } from "../../message/properties.ts";
import { compileSql, type SqlSelector } from "../../message/sql92.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import { decodeRecord } from "../../wire/record.ts";

/** Judges messages; an absent question is answered by yes. */
export interface MessageFilter {
  /** By the queue's tags code. */
  readonly wantsTags?: ((tagsCode: number) => boolean) | undefined;
  /** By the record. */
  readonly wantsRecord?: ((record: Uint8Array) => boolean) | undefined;
  /** By the properties alone, in stored form. */
  readonly wantsProperties?: ((properties: string) => boolean) | undefined;
}

/** Most compiled selectors kept. */
const MAX_SELECTORS = 1000;

/** Makes filters. */
export class Filters {
  readonly #selectors = new Map<string, SqlSelector>();

  /** The filter of a subscription. @throws InvalidSelectorError when its expression cannot be understood. */
  of(subscription: SubscriptionData): MessageFilter {
    const { expressionType, subString, codeSet } = subscription;
    if (expressionType !== "TAG") return this.#bySelector(this.#compiled(expressionType, subString));
    if (subString === "*") return {};
    const codes = new Set(codeSet);
    return { wantsTags: (tagsCode) => codes.has(tagsCode) };
  }

  #bySelector(selector: SqlSelector): MessageFilter {
    const wantsProperties = (properties: string): boolean => selector.matches(decodeProperties(properties));
    return { wantsProperties, wantsRecord: (record) => wantsProperties(decodeRecord(record).properties) };
  }

  #compiled(type: string, expression: string): SqlSelector {
    if (type !== "SQL92") {
      throw new InvalidSelectorError(`Cannot filter by expression: its type is "${type}"`);
    }
    const known = this.#selectors.get(expression);
    if (known !== undefined) return known;
    const selector = compileSql(expression);
    if (this.#selectors.size >= MAX_SELECTORS) this.#selectors.clear();
    this.#selectors.set(expression, selector);
    return selector;
  }
}
