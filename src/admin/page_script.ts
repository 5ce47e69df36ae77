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
let stream;
const cards = new Map(), history = new Map();
const number = (value) => value >= 100 ? Math.round(value).toLocaleString("en") : String(Math.round(value * 10) / 10);
let held = 0;
const say = (text, bad) => { $("status").textContent = text; $("status").className = bad ? "bad" : ""; };

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
  const values = history.get(key) || [];
  values.push(value);
  if (values.length > 90) values.shift();
  history.set(key, values);
  return values;
}
function drawing(label, values, small) {
  const top = Math.max(1, ...values), step = 100 / Math.max(1, values.length - 1);
  const points = values.map((value, at) => (at * step).toFixed(1) + "," + (29 - value / top * 27).toFixed(1)).join(" ");
  return svg("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", class: small ? "small" : "",
    "aria-label": label + ": now " + number(values.at(-1)) + ", at most " + number(top) },
    svg("polygon", { class: "area", points: "0,30 " + points + " 100,30" }), svg("polyline", { points }));
}
const table = (label, heads, rows) => el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
  el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)));
const cells = (values) => values.map((value) => el("td", {}, value));

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
    button("Concurrency…", () => act("Concurrency of " + name, path("concurrency"), {}, [
      ["min", "At least", Number, numberField(consumer.concurrency, 1, 1000)],
      ["max", "At most", Number, numberField(consumer.concurrency, 1, 1000)]])),
    button("Drain…", () => act("Drain " + name + ": it leaves its group", path("drain"), {}), true));
}
function queueTable(consumer) {
  return table("Queues of " + consumer.group, ["Topic", "Broker", "Queue", "Lag", "", "In flight", "Cached", "Offset", "State"],
    consumer.queues.map((queue) => {
      const key = [consumer.clientId, consumer.group, queue.topic, queue.brokerName, queue.queueId].join(" ");
      return el("tr", { class: queue.stalled ? "stalled" : "" },
        cells([queue.topic, queue.brokerName, queue.queueId, number(queue.lag), drawing("Lag", remember(key, queue.lag), true),
          queue.inFlight, queue.cachedMessages, queue.commitOffset, queue.stalled ? "stalled" : queue.paused ? "paused" : "ok"]));
    }));
}
function figures(consumer) {
  const shown = { "consumed /s": consumer.consumedPerSecond, "failed /s": consumer.failedPerSecond, lag: consumer.lag,
    "in flight": consumer.inFlight, cached: consumer.cachedMessages, slots: consumer.concurrency,
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
  const focused = document.activeElement?.closest(".row") && parts.top.contains(document.activeElement)
    ? [...parts.top.querySelectorAll("button")].indexOf(document.activeElement) : -1;
  const scrolled = parts.top.querySelector(".scroll")?.scrollLeft || 0;
  parts.top.replaceChildren(
    el("div", { class: "row" }, el("h2", {}, consumer.group),
      el("span", { class: "pill " + (consumer.problems.length ? "bad" : "good") }, consumer.problems.length ? "unready" : consumer.phase),
      el("span", { class: "dim" }, consumer.clientId)),
    el("ul", { class: "bad problems" }, consumer.problems.map((problem) => el("li", {}, problem))),
    figures(consumer), el("h3", {}, "Consumed per second"), drawing("Consumed per second", rates),
    el("h3", {}, "Lag"), drawing("Lag", lags), buttons(consumer), queueTable(consumer));
  if (focused >= 0) parts.top.querySelectorAll("button")[focused]?.focus();
  parts.top.querySelector(".scroll").scrollLeft = scrolled;
  if (parts.seen++ % 5 === 0 && consumer.phase === "running") members(consumer, parts.members);
}
async function members(consumer, place) {
  try {
    const group = await ask("cluster/groups/" + encodeURIComponent(consumer.group) + "/members");
    place.replaceChildren(table("Members of " + consumer.group, ["Member", "Address", "Version", "Queues"],
      group.members.map((member) => el("tr", {}, cells([member.clientId, member.address, member.version]), el("td", { class: "wrap" },
        member.problem || member.queues.map((queue) => queue.topic + " " + queue.brokerName + ":" + queue.queueId).join(", "))))));
  } catch (error) { place.textContent = error.message; }
}
async function letters(consumer, place) {
  const path = "cluster/groups/" + encodeURIComponent(consumer.group) + "/dead-letters";
  try {
    const { messages } = await ask(path);
    const again = el("button", { type: "button", click: () => letters(consumer, place) }, "Refresh");
    place.replaceChildren(again, messages.length === 0 ? el("p", { class: "dim" }, "none") : table("Dead letters of " + consumer.group,
      ["Stored", "Message", "Retries", "Content", ""], messages.map((message) => el("tr", {},
        cells([new Date(message.storedAt).toISOString(), message.messageId, message.reconsumeTimes]),
        el("td", { class: "wrap" }, message.text === undefined ? message.sizeBytes + " bytes; needs the token" : message.text),
        el("td", {}, button("Send back", () => act("Send back " + message.messageId, path + "/send-back",
          { brokerName: message.queue.brokerName, offsetMessageId: message.offsetMessageId })))))));
  } catch (error) { place.replaceChildren(el("p", { class: "bad" }, error.message)); }
}
async function refresh() {
  try {
    const list = await ask("consumers");
    const all = await Promise.all(list.map((each) => ask(groupPath(each) + client(each))));
    const keys = new Set(all.map((each) => each.clientId + " " + each.group));
    for (const [key, parts] of cards) if (!keys.has(key)) { parts.root.remove(); cards.delete(key); }
    all.forEach(card);
    if (Date.now() > held) say(all.length + " consumer" + (all.length === 1 ? "" : "s") + ", live");
    if (!stream) listen();
  } catch (error) {
    say(error.status === 401 ? (token ? "wrong token: refused" : "the token is needed") : "not reachable, " + error.message, true);
    if (error.status === 401) { $("consumers").replaceChildren(); cards.clear(); }
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
function show(block) {
  const [head, ...data] = block.split("\\n");
  $("events").prepend(el("li", {}, el("b", {}, head.slice(7)), " ", data.join(" ").slice(6, 600)));
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
