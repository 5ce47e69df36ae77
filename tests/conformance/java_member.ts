/**
 * A member of a group that runs in the official Java client, as a process: which queues it holds, and what it is handed.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Stage } from "./scenario.ts";

/** How a Java member consumes. */
export type JavaMode = "concurrent" | "orderly" | "broadcasting" | "popping" | "polling";

/** A message that a member was handed. */
export interface Handled {
  /** The queue, `broker:queueId`. */
  readonly queue: string;
  readonly offset: number;
  readonly body: string;
  /** When the handler began and ended, in milliseconds since the epoch. */
  readonly began: number;
  readonly ended: number;
}

/** A process; the stage ends it if the scenario does not. */
export class JavaMember {
  #queues: string[] = [];
  readonly #handled: Handled[] = [];
  readonly #child: ReturnType<typeof spawn>;
  /** Whether it was told to end. */
  #ending = false;
  #errors = "";

  private constructor(args: readonly string[]) {
    this.#child = spawn("java", args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.on("error", (error) => this.#errors += error.message);
    let rest = "";
    this.#child.stdout!.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#read(line);
    });
    this.#child.stderr!.on("data", (chunk) => this.#errors += chunk);
  }

  /** Starts one; it joins the group in its own time. Skips the scenario where there is no Java. */
  static async start(
    t: Stage,
    { consumerGroup, topic, mode, namespace }: {
      consumerGroup: string;
      topic: string;
      mode: JavaMode;
      namespace?: string;
    },
  ): Promise<JavaMember> {
    const classPath = await t.rig.javaClassPath();
    if (!existsSync("/usr/bin/java") && !process.env["JAVA_HOME"]) t.skip("there is no Java");
    const name = mode === "polling" ? "PollingMember" : "GroupMember";
    const program = fileURLToPath(new URL(`./programs/${name}.java`, import.meta.url));
    const options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    const folder = t.temporaryFolder();
    // where it keeps logs, and the offsets of a broadcasting group
    options.push(`-Duser.home=${folder}`, `-Drocketmq.client.localOffsetStoreDir=${folder}`);
    const member = new JavaMember([
      ...options,
      "-cp",
      classPath,
      program,
      t.namesrvAddr,
      consumerGroup,
      topic,
      mode,
      ...(namespace === undefined ? [] : [namespace]),
    ]);
    t.defer(() => member.kill());
    return member;
  }

  /** The queues it holds, `broker:queueId`; of popped ones, `broker:-1` for all. @throws Error when it has died. */
  get queues(): readonly string[] {
    this.#assertAlive();
    return this.#queues;
  }

  /** What it was handed. @throws Error when it has died. */
  get handled(): readonly Handled[] {
    this.#assertAlive();
    return this.#handled;
  }

  /** Bodies that it consumed. */
  get bodies(): string[] {
    return this.handled.map(({ body }) => body);
  }

  #read(line: string): void {
    const [kind, first = "", ...rest] = line.split(" ");
    if (kind === "queues") this.#queues = first === "" ? [] : first.split(",");
    if (kind !== "message") return;
    const [offset, body, began, ended] = rest;
    this.#handled.push({
      queue: first,
      offset: Number(offset),
      body: body!,
      began: Number(began),
      ended: Number(ended),
    });
  }

  /** A member that is gone is not waited for in vain. */
  #assertAlive(): void {
    const { exitCode, signalCode } = this.#child;
    if (this.#ending || (exitCode === null && signalCode === null)) return;
    throw new Error(`The Java member died (${exitCode ?? signalCode}): ${this.#errors}`);
  }

  /** Has a producer in its process send a message to its topic. */
  send(body: string): void {
    this.#child.stdin!.write(`${body}\n`);
  }

  /** Leaves the group in good order. @throws Error with what it said when it had ended before. */
  async leave(): Promise<void> {
    this.#assertAlive();
    this.#ending = true;
    const closed = new Promise((resolve) => this.#child.on("close", resolve));
    this.#child.stdin!.end();
    await closed;
  }

  /** Ends it, in good order or not. */
  kill(): void {
    this.#ending = true;
    this.#child.kill("SIGKILL");
  }
}
