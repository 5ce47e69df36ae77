/**
 * The page at `/`: one HTML text, its style and its script, and the policy that lets a browser run these and nothing else.
 *
 * The script and the style are named by their hashes, so whatever else got into the page would not run; and nothing does, because
 * every value is set as text (page_script.ts).
 */
import { createHash } from "node:crypto";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";

/** Makes the answer; the text and its policy are made once. */
export function createPage(): () => Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Contrail</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>Contrail</h1>
<p id="status" role="status">connecting…</p>
<form id="door">
<label>Token <input id="token" type="password" autocomplete="off" spellcheck="false"></label>
<button>Unlock</button>
</form>
</header>
<main id="consumers"><p id="empty" class="dim" hidden></p></main>
<section aria-labelledby="events-title"><h2 id="events-title">Events</h2><ol id="events"></ol></section>
<dialog id="ask" aria-labelledby="ask-title"><h2 id="ask-title"></h2><div id="ask-fields"></div>
<p class="row"><button id="ask-yes" class="danger">Do it</button><button id="ask-no">Cancel</button></p></dialog>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `script-src '${hash(PAGE_SCRIPT)}'`,
    `style-src '${hash(PAGE_STYLE)}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return () =>
    new Response(html, {
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
    });
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
