/**
 * An offline stand-in for the functions of @std/streams that this project uses, with the same names and signatures.
 *
 * `tests/std_test.ts` holds what is relied on; `deno task test:std` runs it on the real package.
 *
 * @module
 */

/** Options of {@linkcode TextLineStream}. */
export interface TextLineStreamOptions {
  /** Whether a lone `\r` ends a line too. */
  allowCR?: boolean;
}

/** Splits text into lines, without their `\n` or `\r\n`. */
export class TextLineStream extends TransformStream<string, string> {
  /** A splitter of lines. */
  constructor(options: TextLineStreamOptions = { allowCR: false }) {
    let rest = "";
    super({
      transform(chunk, controller) {
        const text = rest + chunk;
        // a "\r" at the very end may be half of a "\r\n"
        const lines = text.split(options.allowCR ? /\r\n|\n|\r(?!$)/ : /\r?\n/);
        rest = lines.pop()!;
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        if (options.allowCR && rest.endsWith("\r")) rest = rest.slice(0, -1);
        if (rest.length > 0) controller.enqueue(rest);
      },
    });
  }
}

/** Options of {@linkcode LimitedBytesTransformStream}. */
export interface LimitedBytesTransformStreamOptions {
  /** Whether to fail with a RangeError where the limit is passed; otherwise the stream just ends there. */
  error?: boolean;
}

/** Lets `size` bytes through. A chunk that would pass the limit is not split. */
export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  /** A limit of `size` bytes. */
  constructor(size: number, options: LimitedBytesTransformStreamOptions = { error: false }) {
    let read = 0;
    super({
      transform(chunk, controller) {
        if (read + chunk.byteLength <= size) {
          read += chunk.byteLength;
          controller.enqueue(chunk);
        } else if (options.error) {
          throw new RangeError(`Exceeded byte size limit of '${size}'`);
        } else {
          controller.terminate();
        }
      },
    });
  }
}

/** Reads a stream of text or of UTF-8 bytes to its end. */
export async function toText(stream: ReadableStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** One stream of what several give, in order of arrival; an error of one is an error of all. */
export function mergeReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  const ended = new AbortController();
  return new ReadableStream<T>({
    start(controller) {
      const forward = async (stream: ReadableStream<T>): Promise<void> => {
        for await (const value of stream) {
          if (ended.signal.aborted) return;
          controller.enqueue(value);
        }
      };
      Promise.all(streams.map(forward)).then(() => {
        if (!ended.signal.aborted) controller.close();
      }, (error) => {
        if (!ended.signal.aborted) controller.error(error);
        ended.abort();
      });
    },
    cancel() {
      ended.abort();
    },
  });
}
