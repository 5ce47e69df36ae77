/**
 * What the endpoint answers when it cannot do what was asked: problem+json (RFC 9457).
 *
 * A refusal is thrown as a Problem wherever it is met; errors of the library find their status in one table. An error that
 * nobody foresaw is told by its kind only: what it says may be anybody's data.
 */
import { RocketMQError } from "../core/errors.ts";
import { ResponseCode } from "../protocol/response_codes.ts";

/** Media type of the answers. */
const PROBLEM_JSON = "application/problem+json";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Status by the code of an error. */
const STATUS: Readonly<Record<string, number>> = {
  CONFIG: 400,
  VALIDATION: 400,
  CONSUMER_STATE: 409,
  TOPIC_NOT_SUBSCRIBED: 409,
  OFFSET: 409,
  OFFSET_FETCH: 503,
  BROKER: 502,
  TIMEOUT: 504,
  NETWORK: 503,
  NAME_SERVER: 503,
  BROKER_NOT_AVAILABLE: 503,
};

/** Refusals of a broker that mean: there is no such thing. */
const MISSING: readonly (number | undefined)[] = [
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.CONSUMER_NOT_ONLINE,
  ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
];

/** One value that is not as it must be. */
export interface FieldProblem {
  /** Where it stands, dotted. */
  readonly path: string;
  /** What is wrong with it. */
  readonly message: string;
}

/** A refusal with its HTTP status. */
export class ProblemError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** What is wrong with the request, value by value. */
  readonly fields: readonly FieldProblem[];

  /** A refusal that says `detail`. */
  constructor(status: number, detail: string, fields: readonly FieldProblem[] = []) {
    super(detail);
    this.status = status;
    this.fields = fields;
  }
}

/** The answer that tells `error`. */
export function problemResponse(error: unknown): Response {
  const { status, code, detail, problems } = describe(error);
  const headers: Record<string, string> = { "content-type": PROBLEM_JSON };
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="contrail"';
  const body = { type: "about:blank", title: TITLES[status], status, detail, code, problems };
  return new Response(JSON.stringify(body), { status, headers });
}

function describe(
  error: unknown,
): { status: number; detail: string; code?: string; problems?: readonly FieldProblem[] } {
  if (error instanceof ProblemError) {
    const { status, message, fields } = error;
    return { status, detail: message, ...(fields.length > 0 && { problems: fields }) };
  }
  if (!(error instanceof RocketMQError)) return { status: 500, detail: "Cannot answer: an unforeseen error" };
  const isMissing = error.code === "BROKER" && MISSING.includes(error.facts.responseCode);
  return { status: isMissing ? 404 : STATUS[error.code] ?? 500, detail: error.message, code: error.code };
}
