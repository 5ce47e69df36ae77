/**
 * A real Chromium, driven by its own protocol (CDP) over a WebSocket: no more of it than the page's test needs.
 */

/** What a command of the protocol gives. */
type Result = Record<string, unknown>;

/** Where Debian and others put it. */
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"] as const;
/** How long the page may take to show what is waited for, in milliseconds. */
const PATIENCE_MS = 20_000;

/** One tab of a browser of its own. */
export class Tab {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: { result?: Result; error?: { message: string } }) => void>();
  readonly #stop: () => Promise<void>;
  #session: string | undefined;
  #next = 1;
  /** Errors and policy violations that the page met. */
  readonly complaints: string[] = [];

  constructor(socket: WebSocket, stop: () => Promise<void>) {
    this.#socket = socket;
    this.#stop = stop;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  #receive(message: { id?: number; method?: string; params?: Result; result?: Result }): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else if (message.method === "Runtime.exceptionThrown" || message.method === "Log.entryAdded") {
      this.complaints.push(JSON.stringify(message.params));
    }
  }

  /** Sends one command. @throws Error with what the browser says. */
  async send(method: string, params: Result = {}): Promise<Result> {
    const id = this.#next++;
    const answer = new Promise<{ result?: Result; error?: { message: string } }>((resolve) =>
      this.#waiting.set(id, resolve)
    );
    const sessionId = this.#session;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    const { result, error } = await answer;
    if (error) throw new Error(`Chromium refuses ${method}: ${error.message}`);
    return result ?? {};
  }

  /** Opens an empty tab and listens to its errors. */
  async open(): Promise<void> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    this.#session =
      (await this.send("Target.attachToTarget", { targetId, flatten: true }))["sessionId"] as string;
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    }) as { result: { value: T }; exceptionDetails?: unknown };
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  /** Waits until an expression holds in the page; one that throws, as while a page is being opened, does not hold yet. */
  async until(what: string, expression: string): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    let met = "";
    const holds = (): Promise<boolean> =>
      this.evaluate<boolean>(`Boolean(${expression})`).catch((error) => {
        met = String(error);
        return false;
      });
    while (!await holds()) {
      if (Date.now() > end) {
        const said = await this.evaluate("document.body.innerText").catch(() => "nothing");
        throw new Error(`waited in vain until ${what}; the page says: ${said} ${met}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Presses a key as a person does. */
  async press(key: "Tab" | "Enter" | "Escape"): Promise<void> {
    const code = { Tab: 9, Enter: 13, Escape: 27 }[key];
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === "Enter" && { text: "\r" }) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Size of the window and colours of the system. */
  async look(width: number, height: number, scheme: "dark" | "light"): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    await this.send("Emulation.setScrollbarsHidden", { hidden: true });
    await this.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
  }

  /** A picture of the whole page, as PNG. */
  async screenshot(path: string): Promise<void> {
    const { data } = await this.send("Page.captureScreenshot", {
      format: "png",
      captureBeyondViewport: true,
    });
    await Deno.writeFile(path, Uint8Array.from(atob(data as string), (char) => char.charCodeAt(0)));
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.#stop();
  }
}

/** Starts a Chromium without a window and opens a tab; undefined where there is none. */
export async function openChromium(): Promise<Tab | undefined> {
  const profile = await Deno.makeTempDir({ prefix: "contrail-chromium-" });
  for (const program of PROGRAMS) {
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(program, {
        args: [
          "--headless=new",
          "--no-sandbox",
          "--disable-gpu",
          "--disable-dev-shm-usage",
          "--remote-debugging-port=0",
          `--user-data-dir=${profile}`,
        ],
        stdout: "null",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw error;
    }
    const tab = new Tab(await connect(child.stderr), async () => {
      child.kill();
      await child.status;
      await Deno.remove(profile, { recursive: true }).catch(() => {});
    });
    await tab.open();
    return tab;
  }
  await Deno.remove(profile);
  return undefined;
}

/** The browser says on its error output where it listens. */
async function connect(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<WebSocket> {
  let said = "";
  const [mine, rest] = output.tee();
  void rest.pipeTo(new WritableStream()).catch(() => {});
  for await (const text of mine.pipeThrough(new TextDecoderStream())) {
    said += text;
    const url = said.match(/DevTools listening on (ws:\S+)/)?.[1];
    if (url === undefined) continue;
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return socket;
  }
  throw new Error(`Chromium ended: ${said}`);
}
