/**
 * The page at `/`: one HTML text, its style and its script, and the policy that lets a browser run these and nothing else.
 *
 * The script is the source of two classes (page_parts.ts, page_script.ts) that stand on nothing else of this library. Script and
 * style are named by their hashes, so whatever else got into the page would not run; and nothing does, as every value is set as text.
 */
import { createHash } from "node:crypto";
import { PageParts } from "./page_parts.ts";
import { Page } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";

const SCRIPT = `new (${Page})(new (${PageParts})()).run();`;
/** The name under which the formatter knows what is in the text. */
const html = String.raw;

/** The text. */
const PAGE = html`
  <!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>Contrail</title>
      <style>${PAGE_STYLE}</style>
    </head>
    <body>
      <header>
        <h1>Contrail</h1>
        <p id="status" role="status">connecting…</p>
        <form id="door">
          <label>Token <input id="token" type="password" autocomplete="off" spellcheck="false"></label>
          <button id="unlock">Unlock</button>
        </form>
      </header>
      <p id="empty"></p>
      <main id="consumers"></main>
      <section aria-labelledby="events-title">
        <h2 id="events-title">Events</h2>
        <ol id="events"></ol>
      </section>
      <dialog id="ask" aria-labelledby="ask-title">
        <form method="dialog">
          <h2 id="ask-title"></h2>
          <fieldset name="reset-offset">
            <label>Topic <select id="topics" name="topic" required></select></label>
            <label>
              To: earliest, latest, or a time like 2030-01-31T10:00:00Z
              <input name="to" value="earliest" required>
            </label>
          </fieldset>
          <fieldset name="concurrency">
            <label>At least <input name="min" type="number" value="20" min="1" max="1000" required></label>
            <label>At most <input name="max" type="number" value="20" min="1" max="1000" required></label>
          </fieldset>
          <button class="danger" value="yes">Do it</button>
          <button value="" formnovalidate>Cancel</button>
        </form>
      </dialog>
      <template id="card">
        <article>
          <div class="row">
            <h2 data-is="group"></h2>
            <span data-is="phase"></span>
            <span class="dim"><span data-is="kind"></span> · <span data-is="clientId"></span></span>
          </div>
          <ul class="bad" data-is="problems"></ul>
          <div class="row figures">
            <p><b data-is="consumedPerSecond"></b>consumed /s</p>
            <p><b data-is="failedPerSecond"></b>failed /s</p>
            <p><b data-is="lag"></b>lag</p>
            <p><b data-is="inFlight"></b>in flight</p>
            <p><b data-is="cachedMessages"></b>cached</p>
            <p><b data-is="concurrency">–</b>slots</p>
            <p><b data-is="acked"></b>acked</p>
            <p><b data-is="deadLettered"></b>dead</p>
          </div>
          <h3>Consumed per second</h3>
          <div data-is="rateCurve"></div>
          <h3>Lag</h3>
          <div data-is="lagCurve"></div>
          <div class="row">
            <button value="pause">Pause</button>
            <button value="resume">Resume</button>
            <button value="reset-offset" data-title="Reset the offset of" class="danger">Reset offset…</button>
            <button value="concurrency" data-title="Concurrency of">Concurrency…</button>
            <button value="drain" data-title="Drain, so that it leaves its group:"
              class="danger">Drain…</button>
          </div>
          <div class="scroll" tabindex="0" role="region" aria-label="Queues" data-is="queues"></div>
          <h3>Assignments over the group</h3>
          <div class="scroll" tabindex="0" role="region" aria-label="Members" data-is="members"></div>
          <h3>Dead letters <button class="show">Show</button></h3>
          <div class="scroll" tabindex="0" role="region" aria-label="Dead letters" data-is="dead-letters"></div>
        </article>
      </template>
      <template id="curve">
        <svg viewBox="0 0 100 30" preserveAspectRatio="none" role="img">
          <polyline />
        </svg>
      </template>
      <script>${SCRIPT}</script>
    </body>
  </html>
`;

/** The answer. */
export function pageResponse(): Response {
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const policy = [
    "default-src 'none'",
    `script-src ${hash(SCRIPT)}`,
    `style-src ${hash(PAGE_STYLE)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": policy };
  return new Response(PAGE.trim(), { headers });
}
