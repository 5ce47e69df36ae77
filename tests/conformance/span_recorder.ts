/**
 * A small OpenTelemetry SDK for tests: spans that are kept, a context manager, export as OTLP over HTTP, and a collector to
 * export to. It runs wherever scenarios run, with `@opentelemetry/api` alone.
 */
import {
  type Attributes,
  type Context,
  context,
  type ContextManager,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as a collector has it. */
export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly startMs: number;
  readonly endMs: number;
}

const hex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join("");

let flowing = false;

/** Lets contexts flow through promises, in this whole process. */
export function useAsyncContexts(): void {
  if (flowing) return;
  flowing = true;
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, call, self, ...args) => storage.run(active, () => call.apply(self as never, args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
}

/** Makes spans of one service and keeps those that have ended. */
export class SpanRecorder {
  readonly service: string;
  readonly ended: KeptSpan[] = [];
  readonly tracer: Tracer;

  constructor(service: string) {
    this.service = service;
    const startSpan = (name: string, options: SpanOptions = {}, parent: Context = context.active()): Span => {
      const from = options.root ? undefined : trace.getSpanContext(parent);
      return new KeptSpan(name, options, from, (span) => this.ended.push(span));
    };
    this.tracer = {
      startSpan,
      startActiveSpan(name: string, ...rest: unknown[]) {
        const call = rest.at(-1) as (span: Span) => unknown;
        const span = startSpan(name, rest.length > 1 ? rest[0] as SpanOptions : {});
        return context.with(trace.setSpan(context.active(), span), () => call(span));
      },
    } as Tracer;
  }

  /** Sends what has ended to a collector, as OTLP in JSON. */
  async export(endpoint: string): Promise<void> {
    const spans = this.ended.splice(0).map((span) => span.otlp());
    const response = await fetch(`${endpoint}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        resourceSpans: [{
          resource: { attributes: [{ key: "service.name", value: { stringValue: this.service } }] },
          scopeSpans: [{ scope: { name: "test" }, spans }],
        }],
      }),
    });
    if (!response.ok) throw new Error(`Cannot export spans: the collector answered ${response.status}`);
    await response.body?.cancel();
  }
}

/** One span, kept when it ends. */
export class KeptSpan implements Span {
  name: string;
  readonly kind: number;
  readonly parent: SpanContext | undefined;
  readonly links: Link[];
  readonly attributes: Attributes = {};
  readonly exceptions: unknown[] = [];
  status: SpanStatus = { code: 0 };
  readonly #context: SpanContext;
  readonly #startMs: number;
  #endMs = 0;
  readonly #onEnd: (span: KeptSpan) => void;

  constructor(
    name: string,
    options: SpanOptions,
    parent: SpanContext | undefined,
    onEnd: (span: KeptSpan) => void,
  ) {
    this.name = name;
    this.kind = options.kind ?? 0;
    this.parent = parent;
    this.links = [...options.links ?? []];
    this.setAttributes(options.attributes ?? {});
    this.#context = { traceId: parent?.traceId ?? hex(32), spanId: hex(16), traceFlags: 1 };
    if (parent?.traceState) this.#context.traceState = parent.traceState;
    this.#startMs = typeof options.startTime === "number" ? options.startTime : Date.now();
    this.#onEnd = onEnd;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  setAttribute(key: string, value: Attributes[string]): this {
    this.attributes[key] = value;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes);
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(link: Link): this {
    this.links.push(link);
    return this;
  }

  addLinks(links: Link[]): this {
    this.links.push(...links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.status = status;
    return this;
  }

  updateName(name: string): this {
    this.name = name;
    return this;
  }

  recordException(exception: unknown): void {
    this.exceptions.push(exception);
  }

  isRecording(): boolean {
    return this.#endMs === 0;
  }

  end(): void {
    if (this.#endMs !== 0) throw new Error(`Cannot end span "${this.name}": it has ended`);
    this.#endMs = Date.now();
    this.#onEnd(this);
  }

  otlp(): unknown {
    const value = (of: unknown): unknown =>
      typeof of === "number"
        ? { intValue: String(of) }
        : Array.isArray(of)
        ? { arrayValue: { values: of.map(value) } }
        : { stringValue: String(of) };
    return {
      traceId: this.#context.traceId,
      spanId: this.#context.spanId,
      parentSpanId: this.parent?.spanId ?? "",
      name: this.name,
      kind: this.kind + 1,
      startTimeUnixNano: `${this.#startMs}000000`,
      endTimeUnixNano: `${this.#endMs}000000`,
      attributes: Object.entries(this.attributes).map(([key, of]) => ({ key, value: value(of) })),
      links: this.links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId })),
      status: this.status.code === 0 ? {} : { code: this.status.code, message: this.status.message },
    };
  }
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
}
interface OtlpSpan extends Omit<CollectedSpan, "attributes" | "links" | "status" | "startMs" | "endMs"> {
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly { key: string; value: OtlpValue }[];
  readonly links?: readonly { spanId: string }[];
  readonly status?: { code?: number };
}

function plain({ stringValue, intValue, arrayValue }: OtlpValue): unknown {
  if (arrayValue) return arrayValue.values.map(plain);
  return intValue === undefined ? stringValue : Number(intValue);
}

/** A collector on a port of this machine, which takes OTLP in JSON. */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      if (request.url === "/v1/traces") this.#take(JSON.parse(new TextDecoder().decode(joined(chunks))));
      response.writeHead(200, { "content-type": "application/json", connection: "close" }).end("{}");
    });
  }

  /** Opens it; gives its address. */
  open(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        resolve(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(body: {
    resourceSpans?: readonly {
      resource?: { attributes?: readonly { key: string; value: OtlpValue }[] };
      scopeSpans?: readonly { spans?: readonly OtlpSpan[] }[];
    }[];
  }): void {
    for (const { resource, scopeSpans = [] } of body.resourceSpans ?? []) {
      const service = resource?.attributes?.find(({ key }) => key === "service.name")?.value.stringValue ??
        "";
      for (const span of scopeSpans.flatMap(({ spans = [] }) => spans)) {
        this.spans.push({
          service,
          name: span.name,
          kind: span.kind,
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? "",
          links: (span.links ?? []).map(({ spanId }) => spanId),
          attributes: Object.fromEntries(
            (span.attributes ?? []).map(({ key, value }) => [key, plain(value)]),
          ),
          status: span.status?.code ?? 0,
          startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
          endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        });
      }
    }
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
