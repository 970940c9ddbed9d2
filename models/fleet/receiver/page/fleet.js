// The fleet's page. What devices say is text of strangers: it goes into the page as text
// alone, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const every = 5000;
let token = sessionStorage.getItem("token") || "";
let timer = 0;

// el makes an element: el("td", {class: "n"}, "text", other, …).
function el(name, attributes, ...inside) {
  const svg = ["svg", "rect", "text", "title"].includes(name);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  e.append(...inside.map((x) => (x instanceof Node ? x : String(x))));
  return e;
}

// table fills a table: columns are [title, kind], rows arrays of text or elements.
function table(id, columns, rows, none) {
  const head = el("tr", {}, ...columns.map(([title, kind]) => el("th", { class: kind || "", scope: "col" }, title)));
  const body = rows.map((row) => el("tr", {}, ...row.map((cell, i) => el("td", { class: columns[i][1] || "" }, cell))));
  if (!rows.length) body.push(el("tr", {}, el("td", { class: "none", colspan: columns.length }, none)));
  $(id).replaceChildren(el("thead", {}, head), el("tbody", {}, ...body));
}

class Unauthorized extends Error {}

async function get(path) {
  const answer = await fetch(path, { headers: token ? { Authorization: "Bearer " + token } : {}, cache: "no-store" });
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new Unauthorized(said.error || "this needs a token");
  if (!answer.ok) throw new Error((said.error || "answered " + answer.status) + (said.hint ? " (" + said.hint + ")" : ""));
  return said;
}

const when = (t) => (t && !t.startsWith("0001") ? new Date(t).toLocaleString() : "never");

// ago is a time as people say it, with the whole of it to hover over.
function ago(t) {
  if (!t || t.startsWith("0001")) return "never";
  const s = Math.max(0, (Date.now() - new Date(t)) / 1000);
  const text = s < 90 ? Math.round(s) + " s" : s < 5400 ? Math.round(s / 60) + " min" : s < 129600 ? Math.round(s / 3600) + " h" : Math.round(s / 86400) + " d";
  return el("span", { title: when(t) }, text + " ago");
}

function tiles(d) {
  const tile = (n, what, kind) => el("div", { class: "tile" }, el("b", { class: n && kind ? kind : "" }, n), el("span", {}, what));
  $("tiles").replaceChildren(
    tile(d.total, "devices"), tile(d.stuck, "stuck", "bad"), tile(d.not_ready, "not ready", "bad"),
    tile(d.silent, "silent", "warn"), tile(d.never, "never reported", "warn"), tile(d.blocked, "blocked", "warn"));
}

// bar shows how far a release has come among those that follow its channel.
function bar(r) {
  const all = Math.max(r.following, r.activated + r.refused, 1);
  const parts = [["good", r.active, "active"], ["calm", Math.max(0, r.activated - r.active - r.rolled_back), "replaced"], ["warn", r.refused, "refused"], ["bad", r.rolled_back, "rolled back"]];
  const svg = el("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": `${r.activated} of ${all} devices` });
  svg.append(el("rect", { class: "rest", x: 0, y: 0, width: 100, height: 8 }));
  let x = 0;
  for (const [kind, n, what] of parts) {
    const width = Math.min(100 - x, (100 * n) / all);
    if (width > 0) svg.append(el("rect", { class: kind, x, y: 0, width, height: 8 }, el("title", {}, `${n} ${what}`)));
    x += width;
  }
  return svg;
}

function days(list, now) {
  const known = new Map(list.map((d) => [d.day, d]));
  const all = [];
  for (let i = 29; i >= 0; i--) {
    const day = new Date(Date.parse(now) - i * 86400000).toISOString().slice(0, 10);
    all.push(known.get(day) || { day, rollbacks: 0, activations: 0 });
  }
  const most = Math.max(1, ...all.map((d) => Math.max(d.rollbacks, d.activations)));
  const svg = el("svg", { viewBox: "0 0 620 130", role: "img", "aria-label": "rollbacks and activations a day" });
  all.forEach((d, i) => {
    const h = (n) => (100 * n) / most;
    svg.append(
      el("rect", { class: "calm", x: i * 20 + 12, y: 110 - h(d.activations), width: 7, height: h(d.activations) }, el("title", {}, `${d.day}: ${d.activations} activations`)),
      el("rect", { class: "bad", x: i * 20 + 20, y: 110 - h(d.rollbacks), width: 7, height: h(d.rollbacks) }, el("title", {}, `${d.day}: ${d.rollbacks} rollbacks`)));
    if (i % 7 === 1) svg.append(el("text", { x: i * 20 + 8, y: 124 }, d.day.slice(5)));
  });
  svg.append(el("text", { x: 0, y: 9 }, most));
  $("days").replaceChildren(svg);
}

const percent = (part, all) => (all ? ((100 * part) / all).toFixed(1) + " %" : "");

function show(f) {
  tiles(f.devices);
  $("alarms").replaceChildren(...f.over.map((o) => el("p", { class: "alarm" },
    `Release ${o.release} on ${o.channel}: ${o.rollbacks} of ${o.devices} devices went back, and its roll-out is not halted: ${o.problem}`)));
  table("releases", [["release", "n"], ["channel"], ["roll-out"], ["activated", "n"], ["of", "n"], ["active", "n"], ["refused", "n"], ["rolled back", "n"], ["share", "n"], ["since", "t"], ["halted"]],
    f.releases.map((r) => [r.release, r.channel || "–", bar(r), r.activated, r.following, r.active, r.refused,
      el("span", { class: r.rolled_back ? "bad" : "" }, r.rolled_back), percent(r.rolled_back, r.activated), ago(r.first),
      r.halt ? el("span", { class: "bad" }, ago(r.halt.when), ": " + r.halt.reason) : ""]), "no device has told of a release yet");
  table("stuck", [["devices", "n"], ["reason"], ["for example"]], f.stuck.map((s) => [s.devices, s.reason, link(s.example)]), "none");
  table("versions", [["version"], ["devices", "n"]], f.versions.map((v) => [v.name, v.devices]), "none yet");
  table("channels", [["channel"], ["devices", "n"]], f.channels.map((c) => [c.name || "none", c.devices]), "none yet");
  table("rollbacks", [["when", "t"], ["device"], ["task"], ["release", "n"], ["generation", "n"], ["back to", "n"], ["by"], ["reason"]],
    f.rollbacks.map((b) => [ago(b.seen), link(b.device), b.task, b.release || "–", b.generation, b.to || "–", b.by, b.reason]), "none");
  days(f.days, f.time);
  $("fleet").hidden = false;
  $("ask").hidden = true;
  say(`${when(f.time)}, receiver ${f.version}`);
}

function say(text, bad) {
  $("said").textContent = text;
  $("said").className = bad ? "bad" : "";
}

// link is a device's ID that shows more of it.
function link(id) {
  const b = el("button", { type: "button" }, id);
  b.addEventListener("click", () => one(id).catch(failed));
  return b;
}

let next = "";
let listed = [];

async function devices(more) {
  const which = $("which").value;
  const answer = await get("api/devices?limit=50" + (which ? "&" + which : "") + (more && next ? "&after=" + next : ""));
  listed = more ? listed.concat(answer.devices) : answer.devices;
  next = answer.next || "";
  $("more").hidden = !next;
  table("devices", [["device"], ["last report", "t"], ["edge"], ["architecture"], ["channel"], ["state"]],
    listed.map((d) => [link(d.id), ago(d.seen), d.edge || "–", d.architecture || "–", d.channel || "–",
      d.blocked ? el("span", { class: "bad" }, "blocked: " + d.blocked) : d.stuck ? el("span", { class: "bad" }, "stuck: " + d.stuck) : d.seen && !d.ready ? el("span", { class: "bad" }, "not ready") : ""]), "none");
}

async function one(id) {
  const d = await get("api/devices/" + encodeURIComponent(id));
  $("one-id").textContent = d.id;
  const tasks = d.report ? d.report.tasks : [];
  table("one-tasks", [["task"], ["generation", "n"], ["release", "n"], ["state"], ["accuracy", "n"], ["images", "n"], ["p99", "n"], ["stuck"]],
    tasks.map((t) => [t.task, t.generation || "–", t.release || "–", t.state || "–", t.measures ? percent(t.measures.accuracy, 1) : "", t.counts ? t.counts.images : "", t.latency_ms ? t.latency_ms.p99.toFixed(0) + " ms" : "", t.stuck || ""]), "no report yet");
  table("one-releases", [["release", "n"], ["task"], ["state"], ["since"], ["reason"]], d.releases.map((r) => [r.release, r.task, r.state, ago(r.since), r.reason || ""]), "no release yet");
  $("one").hidden = false;
  $("one").scrollIntoView({ behavior: "smooth" });
}

function failed(err) {
  if (err instanceof Unauthorized) {
    $("ask").hidden = false;
    $("fleet").hidden = true;
    say(token ? err.message : "", true);
    token = "";
    sessionStorage.removeItem("token");
    return;
  }
  say("not up to date: " + err.message, true);
}

async function turn() {
  clearTimeout(timer);
  try {
    show(await get("api/fleet"));
    if (!listed.length) await devices(false);
  } catch (err) {
    failed(err);
    if (err instanceof Unauthorized) return;
  }
  timer = setTimeout(turn, every);
}

$("ask").addEventListener("submit", (e) => {
  e.preventDefault();
  token = $("token").value.trim();
  sessionStorage.setItem("token", token);
  $("token").value = "";
  turn();
});
$("which").addEventListener("change", () => devices(false).catch(failed));
$("choose").addEventListener("submit", (e) => e.preventDefault());
$("more").addEventListener("click", () => devices(true).catch(failed));
turn();
