/**
 * What of a topic a consumer wants: tags, or an SQL92 condition over the properties.
 */

/** A selection of a topic's messages, made on the broker. */
export interface MessageSelector {
  /** Which language the expression is in. */
  readonly type: "TAG" | "SQL92";
  /** Tags separated by `||` (`*` for all), or an SQL92 condition. */
  readonly expression: string;
}

/** Messages with one of these tags, as in `tag("paid || refunded")`. */
export function tag(expression: string): MessageSelector {
  return { type: "TAG", expression };
}

/** Messages whose properties meet a condition, as in `sql("amount > 100 AND region = 'eu'")`. */
export function sql(expression: string): MessageSelector {
  return { type: "SQL92", expression };
}
