/**
 * What the page does: asks every two seconds, draws, and listens to the events.
 *
 * It runs in the browser (page.ts sends its source), so all it stands on is what its constructor is given, and the document. The
 * token stays in this tab.
 */
import type { GroupMembers } from "../cluster/cluster_admin.ts";
import type { LetterView } from "./cluster_routes.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { Content, PageParts, Row } from "./page_parts.ts";
import type { ConsumerSummary, QueueView } from "./read_model.ts";

/** What was seen of something: when, a figure, an offset. */
type Sight = { readonly at: number; readonly value: number; readonly offset: number };

/** The page in one tab. */
export class Page {
  readonly #parts: PageParts;
  readonly #base = location.pathname.replace(/\/?$/, "/");
  readonly #sights = new Map<string, readonly Sight[]>();
  #queues: readonly QueueView[] = [];
  #token = sessionStorage.getItem("token") ?? "";
  #events: AbortController | undefined;
  #saidUntil = 0;
  #rounds = 0;

  /** A page that draws with `parts`. */
  constructor(parts: PageParts) {
    this.#parts = parts;
  }

  /** Lives as long as the tab. */
  async run(): Promise<void> {
    this.#parts.at("door").addEventListener("submit", (event) => this.#enter(event));
    for (;;) {
      const isAsking = this.#parts.at<HTMLDialogElement>("ask").open;
      if (!document.hidden && !isAsking) await this.#refresh();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }

  /** The door opens with a token and closes without one. What was shown goes: it may not be for everybody. */
  #enter(event: Event): void {
    event.preventDefault();
    const field = this.#parts.at<HTMLInputElement>("token");
    this.#token = field.value.trim();
    field.value = "";
    sessionStorage.setItem("token", this.#token);
    this.#parts.at("events").replaceChildren();
    this.#parts.at("consumers").replaceChildren();
    this.#events?.abort();
    this.#say("asking…");
    void this.#refresh();
  }

  #say(text: string, kind = ""): void {
    this.#parts.at("status").textContent = text;
    this.#parts.at("status").className = kind;
  }

  #fetch(path: string, options: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
    return fetch(this.#base + path, { headers, ...options });
  }

  async #ask<T>(path: string, body?: object): Promise<T> {
    const response = await this.#fetch(path, body && { method: "POST", body: JSON.stringify(body) });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw Object.assign(new Error(answer.detail ?? response.statusText), { status: response.status });
  }

  async #refresh(): Promise<void> {
    const [all, empty] = [this.#parts.at("consumers"), this.#parts.at("empty")];
    this.#parts.at("unlock").textContent = this.#token ? "Lock" : "Unlock";
    try {
      const consumers = await this.#ask<ConsumerSummary[]>("consumers");
      this.#queues = await this.#ask("queues");
      const keys = consumers.map((each) => this.#key(each));
      for (const card of [...all.children]) if (!keys.includes(card.id)) card.remove();
      for (const consumer of consumers) this.#show(consumer);
      this.#rounds++;
      empty.textContent = keys.length === 0 ? "This process has no consumer." : "";
      const count = `${keys.length} consumer${keys.length === 1 ? "" : "s"}`;
      if (Date.now() > this.#saidUntil) this.#say(`${count}, live`);
      if (!this.#events) void this.#listen();
    } catch (error) {
      const { status, message } = error as Error & { readonly status?: number };
      if (status !== 401) return this.#say(`not reachable, ${message}`, "bad");
      this.#say(this.#token ? "wrong token: refused" : "the token is needed", "bad");
      all.replaceChildren();
      empty.textContent = "Consumers, queues and dead letters appear here once the token is entered.";
    }
  }

  #key({ clientId, group }: { readonly clientId: string; readonly group: string }): string {
    return `${clientId} ${group}`;
  }

  #queuesOf(key: string): QueueView[] {
    return this.#queues.filter((queue) => this.#key(queue) === key);
  }

  /** Its last ninety sights, this one included. */
  #sight(key: string, value: number, offset = -1): readonly Sight[] {
    if (this.#sights.size > 5_000) this.#sights.clear();
    const sights = [...this.#sights.get(key)?.slice(-89) ?? [], { at: Date.now(), value, offset }];
    this.#sights.set(key, sights);
    return sights;
  }

  /** Puts a consumer's figures into the places of its card that bear their names. */
  #show(consumer: ConsumerSummary): void {
    const parts = this.#parts;
    const key = this.#key(consumer);
    const card = document.getElementById(key) ?? this.#newCard(consumer);
    const { problems, lag, consumedPerSecond } = consumer;
    const more = problems.length > 4 ? [`and ${problems.length - 4} more`] : [];
    const [mark, phase] = problems.length > 0 ? ["bad", "unready"] : ["good", consumer.phase];
    parts.fill(card, {
      ...consumer,
      phase: parts.make("b", { class: mark }, phase),
      problems: [...problems.slice(0, 4), ...more].map((each) => parts.make("li", {}, each)),
      rateCurve: parts.curve("Consumed per second", this.#sight(`${key} rate`, consumedPerSecond)),
      lagCurve: parts.curve("Lag", this.#sight(`${key} lag`, lag)),
      queues: parts.table(this.#queuesOf(key).map((queue) => this.#row(queue))),
    });
    if (this.#rounds % 5 === 0 && consumer.phase === "running") void this.#showMembers(consumer, card);
  }

  #newCard(consumer: ConsumerSummary): HTMLElement {
    const { group, clientId, kind } = consumer;
    const card = this.#parts.copy("card");
    card.id = this.#key(consumer);
    card.ariaLabel = group;
    for (const button of card.querySelectorAll<HTMLButtonElement>("button[value]")) {
      const { value, dataset: { title = button.textContent } } = button;
      const path = `consumers/${encodeURIComponent(group)}/${value}?client=${encodeURIComponent(clientId)}`;
      button.hidden = value === "concurrency" && kind !== "push";
      this.#arm(button, `${title} ${group}`, path, {}, card.id);
    }
    card.querySelector(".show")!.addEventListener("click", () => this.#showLetters(consumer, card));
    this.#parts.at("consumers").append(card);
    this.#events?.abort();
    return card;
  }

  /** Lets a button do what only the token allows, if the person says so in the dialog. */
  #arm(button: HTMLButtonElement, title: string, path: string, body: object, key = ""): void {
    button.disabled = !this.#token;
    button.title = this.#token ? "" : "needs the token";
    button.addEventListener("click", () => {
      const topics = new Set(this.#queuesOf(key).map(({ topic }) => topic));
      const options = Array.from(topics, (topic) => this.#parts.make("option", {}, topic));
      this.#parts.at("topics").replaceChildren(...options);
      void this.#act(title, path, body, button.value);
    });
  }

  async #act(title: string, path: string, body: object, fields: string): Promise<void> {
    const dialog = this.#parts.at<HTMLDialogElement>("ask");
    this.#parts.at("ask-title").textContent = title;
    dialog.querySelectorAll("fieldset").forEach((each) => each.hidden = each.disabled = each.name !== fields);
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue === "") return;
    const given = Object.fromEntries(new FormData(dialog.querySelector("form")!));
    const numbers = "min" in given ? { min: Number(given.min), max: Number(given.max) } : {};
    try {
      await this.#ask(path, { ...body, ...given, ...numbers });
      this.#say(`${title}: done`);
    } catch (error) {
      this.#say(`${title}: ${(error as Error).message}`, "bad");
    }
    this.#saidUntil = Date.now() + 5_000;
    await this.#refresh();
  }

  #row(queue: QueueView): Row {
    const name = this.#place(queue);
    const sights = this.#sight(`${this.#key(queue)} ${name}`, queue.lag, queue.commitOffset);
    return {
      Topic: queue.topic,
      Broker: queue.brokerName,
      Queue: queue.queueId < 0 ? "all" : queue.queueId,
      Lag: queue.lag,
      "Lag over time": this.#parts.curve(`Lag of ${name}`, sights),
      "Settled /s": this.#pace(sights),
      "In flight": queue.inFlight,
      Cached: queue.cachedMessages,
      Offset: queue.commitOffset < 0 ? "–" : queue.commitOffset,
      State: queue.stalled ? "stalled" : queue.paused ? "paused" : "ok",
    };
  }

  #place({ topic, brokerName, queueId }: MessageQueue): string {
    return `${topic} ${brokerName}:${queueId}`;
  }

  /** Since the last look; popped queues have no offset to tell it by, and a queue that was moved back none at once. */
  #pace(sights: readonly Sight[]): Content {
    const [last, now] = sights.slice(-2);
    if (!last || !now || last.offset < 0 || now.offset < last.offset || now.at <= last.at) return "–";
    return (now.offset - last.offset) * 1_000 / (now.at - last.at);
  }

  /** Shows in a card what the cluster says of a group, row by row, or why it says nothing. */
  async #list<T>(card: HTMLElement, group: string, what: string, rows: (told: T) => Row[]): Promise<void> {
    const asked = this.#ask<T>(`cluster/groups/${encodeURIComponent(group)}/${what}`);
    const shown = await asked.then((told) => this.#parts.table(rows(told)), (error: Error) => error.message);
    this.#parts.fill(card, { [what]: shown });
  }

  #showMembers({ group }: ConsumerSummary, card: HTMLElement): Promise<void> {
    return this.#list<GroupMembers>(card, group, "members", ({ members }) => {
      return members.map(({ clientId: Member, address: Address, version: Version, queues, problem }) => {
        const places = Map.groupBy(queues, ({ topic, brokerName }) => `${topic} ${brokerName}`);
        const held = Array.from(places, ([place, all]) => `${place}:${all.map((each) => each.queueId)}`);
        return { Member, Address, Version, Queues: problem ?? (held.join("; ") || "none") };
      });
    });
  }

  #showLetters({ group }: ConsumerSummary, card: HTMLElement): Promise<void> {
    const path = `cluster/groups/${encodeURIComponent(group)}/dead-letters/send-back`;
    return this.#list<{ messages: LetterView[] }>(card, group, "dead-letters", ({ messages }) => {
      return messages.map(({ messageId: Message, reconsumeTimes: Retries, ...letter }) => {
        const { offsetMessageId, queue: { brokerName } } = letter;
        const Action = this.#parts.make("button", {}, "Send back");
        this.#arm(Action, `Send back ${Message}`, path, { brokerName, offsetMessageId });
        const Stored = new Date(letter.storedAt).toISOString().slice(0, 19).replace("T", " ");
        const Content = letter.text ?? `${letter.sizeBytes} bytes; needs the token`;
        return { Stored, Message, Retries, Content, Action };
      });
    });
  }

  /** Follows the events until they end; the next refresh follows them again. */
  async #listen(): Promise<void> {
    this.#events = new AbortController();
    try {
      const { ok, body } = await this.#fetch("events", { signal: this.#events.signal });
      let rest = "";
      for (const reader = body!.pipeThrough(new TextDecoderStream()).getReader(); ok;) {
        const { value, done } = await reader.read();
        if (done) break;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop()!.slice(0, 65_536);
        for (const block of blocks) if (block.startsWith("event: ")) this.#tell(block);
      }
    } catch { /* the connection is gone */ }
    this.#events = undefined;
  }

  #tell(block: string): void {
    const parts = this.#parts;
    const told = JSON.parse(block.slice(block.indexOf("data: ") + 6));
    const event = typeof told === "object" ? told : { type: "dropped", missed: told };
    const { type, group = "", at = Date.now(), ...facts } = event;
    const time = parts.make("time", { class: "dim" }, new Date(at).toISOString().slice(11, 19));
    const text = parts.make("span", { class: "dim" }, this.#words(facts).slice(0, 600));
    const list = parts.at("events");
    list.prepend(parts.make("li", {}, time, " ", parts.make("b", {}, type), ` ${group} `, text));
    while (list.children.length > 60) list.lastChild!.remove();
  }

  /** A fact of an event in words. */
  #words(fact: unknown): string {
    if (Array.isArray(fact)) return fact.map((each) => this.#words(each)).join(", ") || "none";
    if (typeof fact !== "object" || fact === null) return String(fact);
    if ("queueId" in fact) return this.#place(fact as MessageQueue);
    return Object.entries(fact).map(([name, each]) => `${name} ${this.#words(each)}`).join(" · ");
  }
}
