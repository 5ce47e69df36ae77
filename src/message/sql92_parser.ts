/**
 * The grammar of SQL92 selectors, as the broker's SelectorParser has it.
 *
 *     or         := and (OR and)*
 *     and        := equality (AND equality)*
 *     equality   := comparison (= comparison | <> comparison | IS [NOT] NULL)*
 *     comparison := unary (< <= > >= unary | [NOT] BETWEEN unary AND unary | [NOT] IN (…) | [NOT] CONTAINS … 'text')*
 *     unary      := + unary | - unary | NOT unary | literal | property | ( or )
 *
 * NOT binds tighter than a comparison. The end of the text is not asked for: what follows a complete expression is
 * ignored, and its position is told. Every wrong use of a literal that Java finds while parsing is found here.
 */
import { compareValues, type Node, type Value } from "./sql92_evaluator.ts";
import { invalidSelector, SqlLexer, type Token } from "./sql92_lexer.ts";

/** Deepest nesting of parentheses and prefixes. */
const MAX_DEPTH = 500;
const LONG_MAX = 9223372036854775807n;
const ORDERINGS: ReadonlySet<string> = new Set(["<", "<=", ">", ">="]);
const TEXT_TESTS: ReadonlySet<string> = new Set(["CONTAINS", "STARTSWITH", "ENDSWITH"]);

/** A parsed selector. */
export interface ParsedSql {
  /** What to evaluate; its value is a boolean or null. */
  readonly root: Node;
  /** Where the text that the broker ignores starts, when there is any. */
  readonly ignoredAt?: number;
}

/** Parses a selector. @throws InvalidSelectorError with the position of what the broker would refuse. */
export function parseSql(expression: string): ParsedSql {
  return new SqlParser(expression).selector();
}

/** Whether Java counts the node as a BooleanExpression. */
function isBoolean(node: Node): boolean {
  if (node.kind === "constant") return node.value === null || typeof node.value === "boolean";
  return node.kind !== "property" && node.kind !== "negate";
}

class SqlParser {
  readonly #expression: string;
  readonly #lexer: SqlLexer;
  /** The one word that is looked at ahead. */
  #token: Token;
  #depth = 0;

  constructor(expression: string) {
    this.#expression = expression;
    this.#lexer = new SqlLexer(expression);
    this.#token = this.#lexer.next();
  }

  selector(): ParsedSql {
    const root = this.#asBoolean(this.#or(), 0);
    return this.#token.kind === "end" ? { root } : { root, ignoredAt: this.#token.position };
  }

  #or(): Node {
    return this.#logic("OR", "or", () => this.#and());
  }

  #and(): Node {
    return this.#logic("AND", "and", () => this.#equality());
  }

  #logic(keyword: string, kind: "and" | "or", operand: () => Node): Node {
    const position = this.#token.position;
    const first = operand();
    if (!this.#isKeyword(keyword)) return first;
    const terms = [this.#asBoolean(first, position)];
    while (this.#takeKeyword(keyword)) {
      const at = this.#token.position;
      terms.push(this.#asBoolean(operand(), at));
    }
    return { kind, terms };
  }

  #equality(): Node {
    let left = this.#comparison();
    for (;;) {
      const { position } = this.#token;
      if (this.#takeSymbol("=")) left = this.#equal(left, this.#comparison(), position);
      else if (this.#takeSymbol("<>")) left = not(this.#equal(left, this.#comparison(), position));
      else if (this.#takeKeyword("IS")) {
        const negated = this.#takeKeyword("NOT");
        this.#expectKeyword("NULL");
        const isNull: Node = { kind: "equal", left, right: { kind: "constant", value: null } };
        left = negated ? not(isNull) : isNull;
      } else return left;
    }
  }

  /** Java: ComparisonExpression.createEqual. */
  #equal(left: Node, right: Node, position: number): Node {
    for (const side of [left, right]) {
      if (side.kind === "constant" && side.value === null) this.#fail(position, "NULL cannot be compared");
    }
    if (left.kind === "constant" && right.kind === "constant" && isBoolean(left) && !isBoolean(right)) {
      this.#fail(position, `${left.value} cannot be compared with ${right.value}`);
    }
    return { kind: "equal", left, right };
  }

  #comparison(): Node {
    let left = this.#unary();
    for (;;) {
      const { position, kind, text } = this.#token;
      if (kind === "symbol" && ORDERINGS.has(text)) {
        this.#advance();
        left = this.#order(text, left, this.#unary(), position);
        continue;
      }
      const negated = this.#takeKeyword("NOT");
      if (this.#takeKeyword("BETWEEN")) left = this.#between(left, negated, position);
      else if (this.#takeKeyword("IN")) left = this.#in(left, negated, position);
      else if (this.#token.kind === "keyword" && TEXT_TESTS.has(this.#token.text)) {
        const test = this.#advance().text as "CONTAINS" | "STARTSWITH" | "ENDSWITH";
        left = { kind: "text", test, operand: left, search: this.#string(), negated };
      } else if (negated) this.#fail(position, 'met "NOT"');
      else return left;
    }
  }

  /** Java: ComparisonExpression.checkLessThanOperand. */
  #order(operator: string, left: Node, right: Node, position: number): Node {
    for (const side of [left, right]) {
      const comparable = side.kind === "constant"
        ? typeof side.value === "bigint" || typeof side.value === "number"
        : !isBoolean(side);
      if (!comparable) this.#fail(position, "only numbers and properties have an order");
    }
    return { kind: "order", operator: operator as "<" | "<=" | ">" | ">=", left, right };
  }

  #between(value: Node, negated: boolean, position: number): Node {
    const low = this.#unary();
    this.#expectKeyword("AND");
    const high = this.#unary();
    const terms = negated
      ? [this.#order("<", value, low, position), this.#order(">", value, high, position)]
      : [this.#order(">=", value, low, position), this.#order("<=", value, high, position)];
    if (negated) return { kind: "or", terms };
    if (low.kind === "constant" && high.kind === "constant" && compareValues(high.value!, low.value!) < 0) {
      this.#fail(position, `${low.value} is above ${high.value} in BETWEEN`);
    }
    return { kind: "and", terms };
  }

  #in(left: Node, negated: boolean, position: number): Node {
    if (left.kind !== "property") this.#fail(position, "IN wants a property on its left");
    this.#expectSymbol("(");
    const texts = new Set([this.#string()]);
    while (this.#takeSymbol(",")) texts.add(this.#string());
    this.#expectSymbol(")");
    return { kind: "in", name: left.name, texts, negated };
  }

  #unary(): Node {
    if (++this.#depth > MAX_DEPTH) this.#fail(this.#token.position, `more than ${MAX_DEPTH} levels`);
    const node = this.#prefixed();
    this.#depth--;
    return node;
  }

  #prefixed(): Node {
    const { position } = this.#token;
    if (this.#takeSymbol("+")) return this.#unary();
    if (this.#takeSymbol("-")) return { kind: "negate", operand: this.#unary() };
    if (this.#takeKeyword("NOT")) return not(this.#asBoolean(this.#unary(), position));
    if (!this.#takeSymbol("(")) return this.#primary();
    const inner = this.#or();
    this.#expectSymbol(")");
    return inner;
  }

  #primary(): Node {
    const token = this.#token;
    const value = this.#literal(token);
    if (value === undefined && token.kind !== "name") this.#unexpected();
    this.#advance();
    return value === undefined ? { kind: "property", name: token.text } : { kind: "constant", value };
  }

  /** The value of a literal (Java: ConstantExpression); undefined when the word is none. */
  #literal({ kind, text, position }: Token): Value | undefined {
    if (kind === "string") return text;
    if (kind === "integer") {
      const value = BigInt(text.replace(/l$/i, ""));
      if (value > LONG_MAX) this.#fail(position, `${text} is above ${LONG_MAX}`);
      return value;
    }
    if (kind === "float") {
      const value = Number(text);
      if (value === 0 || value === Infinity) this.#fail(position, `${text} is not in the range of a double`);
      return value;
    }
    if (kind !== "keyword") return undefined;
    return text === "NULL" ? null : text === "TRUE" ? true : text === "FALSE" ? false : undefined;
  }

  /** Java: SelectorParser.asBooleanExpression; a bare property is a condition, a number or text is none. */
  #asBoolean(node: Node, position: number): Node {
    if (isBoolean(node)) return node;
    if (node.kind === "property") return { kind: "cast", name: node.name };
    return this.#fail(position, "the expression is not a condition");
  }

  #string(): string {
    if (this.#token.kind !== "string") this.#unexpected();
    return this.#advance().text;
  }

  #isKeyword(keyword: string): boolean {
    return this.#token.kind === "keyword" && this.#token.text === keyword;
  }

  #takeKeyword(keyword: string): boolean {
    if (!this.#isKeyword(keyword)) return false;
    this.#advance();
    return true;
  }

  #takeSymbol(symbol: string): boolean {
    if (this.#token.kind !== "symbol" || this.#token.text !== symbol) return false;
    this.#advance();
    return true;
  }

  #expectKeyword(keyword: string): void {
    if (!this.#takeKeyword(keyword)) this.#unexpected();
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) this.#unexpected();
  }

  #advance(): Token {
    const token = this.#token;
    this.#token = this.#lexer.next();
    return token;
  }

  #unexpected(): never {
    const { kind, text, position } = this.#token;
    this.#fail(position, kind === "end" ? "met the end" : `met ${JSON.stringify(text)}`);
  }

  #fail(position: number, met: string): never {
    throw invalidSelector(this.#expression, position, met);
  }
}

function not(operand: Node): Node {
  return { kind: "not", operand };
}
