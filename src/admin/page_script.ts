/**
 * What the page does: asks every two seconds, draws, and listens to the events.
 *
 * Plain JavaScript for a browser. `el` is the only way anything gets into the document, and it knows text and elements only, never
 * markup: a topic called `<img onerror=…>` is shown as just that. The token stays in this tab.
 */

/** The script. */
export const PAGE_SCRIPT = `"use strict";
const base = location.pathname.replace(/\\/?$/, "/");
const $ = (id) => document.getElementById(id);
const el = (tag, attributes, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat().map((each) => each instanceof Node ? each : String(each)));
  return made;
};
const svg = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
let token = sessionStorage.getItem("token") || "";
let stream, followed = "";
const cards = new Map(), history = new Map(), paces = new Map();
const number = (value) => value >= 100 ? Math.round(value).toLocaleString("en") : String(Math.round(value * 10) / 10);
let held = 0;
const say = (text, bad) => { $("status").textContent = text; $("status").className = bad ? "bad" : ""; };
const tellEmpty = (text) => { $("empty").textContent = text; $("empty").hidden = text === ""; };

async function ask(path, body) {
  const headers = token ? { authorization: "Bearer " + token } : {};
  if (body) headers["content-type"] = "application/json";
  const response = await fetch(base + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  const answer = response.status === 204 ? undefined : await response.json();
  if (response.ok) return answer;
  const error = new Error(answer.detail || response.statusText);
  error.status = response.status;
  throw error;
}
const groupPath = (consumer) => "consumers/" + encodeURIComponent(consumer.group);
const client = (consumer) => "?client=" + encodeURIComponent(consumer.clientId);

function remember(key, value) {
  if (history.size > 5000) { history.clear(); paces.clear(); }
  const values = history.get(key) || [];
  values.push(value);
  if (values.length > 90) values.shift();
  history.set(key, values);
  return values;
}
function drawing(label, [first, ...rest], small) {
  const values = [first, ...rest.length ? rest : [first]];
  const top = Math.max(1, ...values), step = 100 / Math.max(1, values.length - 1);
  const points = values.map((value, at) => (at * step).toFixed(1) + "," + (29 - value / top * 27).toFixed(1)).join(" ");
  return svg("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", class: small ? "small" : "",
    "aria-label": label + ": now " + number(values.at(-1)) + ", at most " + number(top) },
    svg("polygon", { class: "area", points: "0,30 " + points + " 100,30" }), svg("polyline", { points }));
}
const table = (label, heads, rows) => rows.length === 0 ? el("p", { class: "dim" }, "none") :
  el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, el("table", {},
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map(([kind, ...values]) => el("tr", { class: kind }, values.map((value, at) =>
      el("td", { "data-head": heads[at] }, value)))))));

async function act(title, path, body, fields) {
  const given = await confirmed(title, fields || []);
  if (given === undefined) return;
  try {
    await ask(path, { ...body, ...given });
    say(title + ": done");
  } catch (error) { say(title + ": " + error.message, true); }
  held = Date.now() + 5000;
  await refresh();
}
function confirmed(title, fields) {
  $("ask-title").textContent = title;
  $("ask-fields").replaceChildren(...fields.map(([name, label, read, input]) => el("label", {}, label + " ", input)));
  $("ask").showModal();
  return new Promise((resolve) => {
    const end = (value) => { $("ask").close(); resolve(value); };
    $("ask-no").onclick = () => end();
    $("ask").oncancel = () => resolve();
    $("ask-yes").onclick = () => end(Object.fromEntries(fields.map(([name, , read, input]) => [name, read(input.value)])));
  });
}
const button = (label, click, danger) => el("button", { type: "button", click, class: danger ? "danger" : "", disabled: !token &&
  "disabled", title: token ? false : "needs the token" }, label);
const numberField = (value, min, max) => el("input", { type: "number", value, min, max, required: true });

function buttons(consumer) {
  const path = (action) => groupPath(consumer) + "/" + action + client(consumer), name = consumer.group;
  const topics = [...new Set(consumer.queues.map((queue) => queue.topic))];
  const choice = el("select", {}, topics.map((topic) => el("option", {}, topic)));
  const when = el("input", { type: "text", value: "earliest", "aria-describedby": "ask-title" });
  return el("div", { class: "row" },
    button("Pause", () => act("Pause " + name, path("pause"), {})),
    button("Resume", () => act("Resume " + name, path("resume"), {})),
    button("Reset offset…", () => act("Reset the offset of " + name, path("reset-offset").split("?")[0], {}, [
      ["topic", "Topic", String, choice],
      ["to", "To: earliest, latest, or a time like 2030-01-31T10:00:00Z", (text) => text.trim(), when]]), true),
    consumer.kind !== "push" ? [] : button("Concurrency…", () => act("Concurrency of " + name, path("concurrency"), {}, [
      ["min", "At least", Number, numberField(consumer.concurrency, 1, 1000)],
      ["max", "At most", Number, numberField(consumer.concurrency, 1, 1000)]])),
    button("Drain…", () => act("Drain " + name + ": it leaves its group", path("drain"), {}), true));
}
const places = (queues) => [...Map.groupBy(queues, (queue) => queue.topic + " " + queue.brokerName)]
  .map(([where, all]) => where + ":" + all.map((queue) => queue.queueId).join(",")).join("; ") || "none";
const place = (queue) => queue.topic + " " + queue.brokerName + ":" + queue.queueId;
/** Settled a second since the last look; popped queues have no offset to tell it by, and a queue that was moved back none at once. */
function pace(key, offset) {
  const now = Date.now(), last = paces.get(key);
  paces.set(key, { now, offset });
  return last && offset >= last.offset && now > last.now ? number((offset - last.offset) * 1000 / (now - last.now)) : "–";
}
function queueTable(consumer) {
  return table("Queues of " + consumer.group,
    ["Topic", "Broker", "Queue", "Lag", "Lag over time", "Settled /s", "In flight", "Cached", "Offset", "State"],
    consumer.queues.map((queue) => {
      const key = [consumer.clientId, consumer.group, place(queue)].join(" ");
      return [queue.stalled ? "stalled" : "", queue.topic, queue.brokerName, queue.queueId < 0 ? "all" : queue.queueId,
        number(queue.lag), drawing("Lag of " + place(queue), remember(key, queue.lag), true), pace(key, queue.commitOffset),
        number(queue.inFlight), number(queue.cachedMessages), queue.commitOffset < 0 ? "–" : number(queue.commitOffset),
        queue.stalled ? "stalled" : queue.paused ? "paused" : "ok"];
    }));
}
function figures(consumer) {
  const shown = { "consumed /s": consumer.consumedPerSecond, "failed /s": consumer.failedPerSecond, lag: consumer.lag,
    "in flight": consumer.inFlight, cached: consumer.cachedMessages, slots: consumer.concurrency ?? 0,
    acked: consumer.acked, dead: consumer.deadLettered };
  return el("div", { class: "figures" }, Object.entries(shown).map(([name, value]) =>
    el("div", {}, el("b", {}, number(value)), el("span", { class: "dim" }, name))));
}
function card(consumer) {
  const key = consumer.clientId + " " + consumer.group;
  let parts = cards.get(key);
  if (!parts) {
    parts = { top: el("div"), members: el("div"), letters: el("div"), seen: 0 };
    parts.root = el("article", { "aria-label": consumer.group }, parts.top,
      el("h3", {}, "Assignments over the group"), parts.members, el("h3", {}, "Dead letters"), parts.letters);
    cards.set(key, parts);
    $("consumers").append(parts.root);
    parts.letters.append(el("button", { type: "button", click: () => letters(consumer, parts.letters) }, "Show"));
  }
  const rates = remember(key + " rate", consumer.consumedPerSecond), lags = remember(key + " lag", consumer.lag);
  const holders = () => [...parts.top.querySelectorAll("button, .scroll")], focused = holders().indexOf(document.activeElement);
  const scrolled = parts.top.querySelector(".scroll")?.scrollLeft;
  parts.top.replaceChildren(
    el("div", { class: "row" }, el("h2", {}, consumer.group),
      el("span", { class: "pill " + (consumer.problems.length ? "bad" : "good") }, consumer.problems.length ? "unready" : consumer.phase),
      el("span", { class: "dim" }, consumer.kind + " · " + consumer.clientId)),
    el("ul", { class: "bad problems" }, consumer.problems.slice(0, 4).map((problem) => el("li", {}, problem)),
      consumer.problems.length > 4 ? el("li", {}, "and " + (consumer.problems.length - 4) + " more") : []),
    figures(consumer), el("h3", {}, "Consumed per second"), drawing("Consumed per second", rates),
    el("h3", {}, "Lag"), drawing("Lag", lags), buttons(consumer), queueTable(consumer));
  if (focused >= 0) holders()[focused]?.focus({ preventScroll: true });
  if (scrolled) parts.top.querySelector(".scroll")?.scrollTo(scrolled, 0);
  if (parts.seen++ % 5 === 0 && consumer.phase === "running") members(consumer, parts.members);
}
async function members(consumer, where) {
  try {
    const group = await ask("cluster/groups/" + encodeURIComponent(consumer.group) + "/members");
    where.replaceChildren(table("Members of " + consumer.group, ["Member", "Address", "Version", "Queues"],
      group.members.map((member) => ["", member.clientId, member.address, member.version,
        member.problem || places(member.queues)])));
  } catch (error) { where.textContent = error.message; }
}
async function letters(consumer, where) {
  const path = "cluster/groups/" + encodeURIComponent(consumer.group) + "/dead-letters";
  try {
    const { messages } = await ask(path);
    where.replaceChildren(table("Dead letters of " + consumer.group, ["Stored", "Message", "Retries", "Content", "Action"],
      messages.map((message) => ["", new Date(message.storedAt).toISOString().slice(0, 19).replace("T", " "), message.messageId,
        message.reconsumeTimes, message.text ?? message.sizeBytes + " bytes; needs the token",
        button("Send back", () => act("Send back " + message.messageId, path + "/send-back",
          { brokerName: message.queue.brokerName, offsetMessageId: message.offsetMessageId }))])),
      el("button", { type: "button", click: () => letters(consumer, where) }, "Refresh"));
  } catch (error) { where.replaceChildren(el("p", { class: "bad" }, error.message)); }
}
async function refresh() {
  try {
    const list = await ask("consumers");
    const orGone = (error) => { if (error.status !== 404) throw error; };
    const all = (await Promise.all(list.map((each) => ask(groupPath(each) + client(each)).catch(orGone)))).filter(Boolean);
    const keys = new Set(all.map((each) => each.clientId + " " + each.group));
    for (const [key, parts] of cards) if (!keys.has(key)) { parts.root.remove(); cards.delete(key); }
    all.forEach(card);
    tellEmpty(all.length === 0 ? "This process has no consumer." : "");
    if (Date.now() > held) say(all.length + " consumer" + (all.length === 1 ? "" : "s") + ", live");
    if (followed !== (followed = [...keys].join())) stream?.abort();
    if (!stream) listen();
  } catch (error) {
    say(error.status === 401 ? (token ? "wrong token: refused" : "the token is needed") : "not reachable, " + error.message, true);
    if (error.status !== 401) return;
    $("consumers").replaceChildren($("empty"));
    cards.clear();
    tellEmpty("Consumers, queues and dead letters appear here once the token is entered.");
  }
}
async function listen() {
  stream = new AbortController();
  try {
    const response = await fetch(base + "events", { signal: stream.signal, headers: token ? { authorization: "Bearer " + token } : {} });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "";;) {
      const { value, done } = await reader.read();
      if (done || !response.ok) break;
      const blocks = (rest + value).split("\\n\\n");
      rest = blocks.pop().slice(0, 65536);
      for (const block of blocks) if (block.startsWith("event: ")) show(block);
    }
  } catch { /* tried again with the next refresh */ }
  stream = undefined;
}
const flat = (value) => Array.isArray(value) ? value.map(flat).join(", ") || "none"
  : value === null || typeof value !== "object" ? String(value) : "queueId" in value ? place(value)
  : Object.entries(value).map(([name, each]) => name + " " + flat(each)).join(" · ");
function show(block) {
  const [head, ...data] = block.split("\\n"), told = JSON.parse(data.join("").slice(6));
  const { group = "", at = Date.now(), type, ...facts } = typeof told === "object" ? told : { missed: told };
  $("events").prepend(el("li", {}, el("time", { class: "dim" }, new Date(at).toISOString().slice(11, 19)), " ",
    el("b", {}, head.slice(7)), " ", group, " ", el("span", { class: "dim" }, flat(facts).slice(0, 600))));
  while ($("events").children.length > 60) $("events").lastChild.remove();
}
$("door").addEventListener("submit", (event) => {
  event.preventDefault();
  token = token && !$("token").value ? "" : $("token").value;
  sessionStorage.setItem("token", token);
  $("token").value = "";
  $("door").querySelector("button").textContent = token ? "Lock" : "Unlock";
  if (stream) stream.abort();
  say("asking…");
  refresh();
});
if (token) $("door").querySelector("button").textContent = "Lock";
refresh();
setInterval(() => { if (!document.hidden && !$("ask").open) refresh(); }, 2000);
`;
