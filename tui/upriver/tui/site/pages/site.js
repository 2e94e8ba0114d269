// The pages: what the index says of all assets, and of one asset what its part says.
"use strict";

const KEY = 0, KIND = 1, ENGINE = 2, STATE = 3, PART = 4, ROWS = 5, BYTES = 6, BUILT = 7, OWNER = 8, TAGS = 9, TEXT = 10, UPSTREAMS = 11, WHY = 12;
const MOST_ROWS = 200, MOST_BOXES = 60;
const SECTIONS = ["why", "columns", "lineage", "checks", "goals", "history", "code"];

const upriver = {
  project: null,
  places: new Map(),
  downstreams: [],
  details: {},
  waiting: new Map(),
  index(project) {
    this.project = project;
    project.assets.forEach((asset, n) => { this.places.set(asset[KEY], n); this.downstreams.push([]); });
    project.assets.forEach((asset, n) => asset[UPSTREAMS].forEach((up) => this.downstreams[up].push(n)));
    document.getElementById("project").textContent = project.name;
    document.getElementById("footer").replaceChildren("As of ", moment(project.made), ", environment " + project.environment + ", Upriver " + project.version + ". These pages do not change by themselves.");
    show();
  },
  part(n, details) {
    Object.assign(this.details, details);
    this.waiting.get(n)?.resolve();
  },
  /** The details of an asset, which are loaded with those of its neighbours; null when they can't be. */
  async detail(n) {
    const [key, part] = [this.project.assets[n][KEY], this.project.assets[n][PART]];
    if (!this.waiting.has(part)) {
      const entry = {};
      entry.done = new Promise((resolve) => { entry.resolve = resolve; });
      this.waiting.set(part, entry);
      const script = el("script", { src: "data/" + part + ".js", error: () => entry.resolve() });
      document.body.append(script);
    }
    await this.waiting.get(part).done;
    return this.details[key] || null;
  },
};

const href = (key, ...rest) => "#/assets/" + [key, ...rest].map(encodeURIComponent).join("/");
const link = (n) => el("a", { href: href(upriver.project.assets[n][KEY]) }, upriver.project.assets[n][KEY]);

// -- search ----------------------------------------------------------------------------------------------
function fits(asset, words) {
  return words.every((word) => {
    const [field, rest] = word.includes(":") ? [word.slice(0, word.indexOf(":")), word.slice(word.indexOf(":") + 1)] : ["", word];
    if (field === "tag") return asset[TAGS].some((tag) => tag.toLowerCase() === rest);
    if (field === "owner") return asset[OWNER].toLowerCase().includes(rest);
    if (field === "state") return asset[STATE] === rest;
    return [asset[KEY], asset[TEXT], asset[OWNER], ...asset[TAGS]].some((text) => text.toLowerCase().includes(word));
  });
}

function overview(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = upriver.project.assets;
  const found = all.filter((asset) => fits(asset, words));
  const counts = new Map();
  for (const asset of all) counts.set(asset[STATE], (counts.get(asset[STATE]) || 0) + 1);
  const chips = STATES.filter((one) => counts.has(one)).map((one) => el("li", {}, el("button", {
    type: "button", "aria-pressed": String(words.includes("state:" + one)),
    click: () => search(words.includes("state:" + one) ? words.filter((word) => word !== "state:" + one).join(" ") : [...words.filter((word) => !word.startsWith("state:")), "state:" + one].join(" ")),
  }, count(counts.get(one)) + " " + one)));
  const body = el("div", {});
  const fill = (most) => {
    const rows = found.slice(0, most).map((asset) => [
      el("span", { class: "mono" }, link(upriver.places.get(asset[KEY]))), state(asset[STATE]), asset[WHY][0] || asset[TEXT].split("\n")[0], asset[OWNER], count(asset[ROWS]), moment(asset[BUILT])]);
    body.replaceChildren(table("Assets", ["Asset", "State", "Why, or what it is", "Owner", "Rows", "Built"], rows, [4], [2, 3, 4, 5]));
    if (found.length > most) body.append(el("p", {}, el("button", { type: "button", click: () => fill(most * 5) }, "Show more of " + count(found.length))));
    if (!found.length) body.replaceChildren(el("p", {}, "Nothing fits."));
  };
  fill(MOST_ROWS);
  page(upriver.project.name, el("h1", {}, words.length ? count(found.length, "asset") + " of " + count(all.length) : count(all.length, "asset")),
    el("ul", { class: "chips", "aria-label": "States" }, chips), body);
}

// -- one asset -------------------------------------------------------------------------------------------
async function asset(n, section, column) {
  const facts = upriver.project.assets[n];
  const detail = await upriver.detail(n);
  if (!detail) return page(facts[KEY], el("h1", {}, facts[KEY]), el("p", {}, "The file data/" + facts[PART] + ".js is missing: copy the whole folder."));
  const parts = { why: why(facts), columns: columns(facts, detail), lineage: await lineage(n, column), checks: checks(detail), goals: goals(detail), history: history(detail), code: detail.code ? code(detail.code, detail.language) : null };
  const shown = SECTIONS.filter((name) => parts[name]);
  page(facts[KEY], el("h1", {}, facts[KEY]), facts[TEXT] ? el("p", {}, facts[TEXT]) : null, list([
    ["State", state(facts[STATE])], ["Kind", facts[KIND] + (facts[ENGINE] && facts[ENGINE] !== "source" ? ", " + facts[ENGINE] : "")], ["Rows", count(facts[ROWS])], ["Size", size(facts[BYTES])],
    ["Built", moment(facts[BUILT])], ["Owner", facts[OWNER]], ["Tags", facts[TAGS].map((tag) => [el("a", { href: "#/search/" + encodeURIComponent("tag:" + tag) }, tag), " "])],
    ["Location", detail.location], ["Declared", detail.place ? el("span", { class: "mono" }, detail.place) : ""]]),
  el("nav", { class: "sections", "aria-label": "Sections" }, shown.map((name) => el("a", { href: href(facts[KEY], name) }, title(name)))),
  shown.map((name) => [el("h2", { id: name }, title(name)), parts[name]]));
  const target = section && document.getElementById(section);
  if (target) target.scrollIntoView();
}

const title = (name) => name === "why" ? "Freshness" : name[0].toUpperCase() + name.slice(1);

function list(pairs) {
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value !== "" && !(Array.isArray(value) && !value.length)).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function why(facts) {
  if (!facts[WHY].length) return el("p", {}, facts[KIND] === "source" ? "Observed as it is." : "Fresh: what it reads, its code and its settings are what they were when it was built.");
  return el("ul", {}, facts[WHY].map((text) => el("li", {}, text)));
}

function columns(facts, detail) {
  if (!detail.columns.length) return null;
  const described = detail.columns.some((one) => one[2]);
  return table("Columns", ["Column", "Type", ...(described ? ["Description"] : [])], detail.columns.map(([name, type, text, promised]) => [
    el("a", { class: "mono", href: href(facts[KEY], "lineage", name) }, name), el("span", { class: "mono" }, type + (promised ? " (contract)" : "")), ...(described ? [text] : [])]));
}

function checks(detail) {
  return detail.checks.length ? table("Checks", ["Check", "Severity", "Declared"], detail.checks.map(([name, severity, place]) => [name, severity, el("span", { class: "mono" }, place)])) : null;
}

function goals(detail) {
  return detail.goals.length ? table("Goals", ["Goal", "State", "Due", "Lag"], detail.goals.map(([spec, word, due, lag]) => [spec, state(word), moment(due), seconds(lag)])) : null;
}

function history(detail) {
  return detail.history.length ? table("History", ["Built", "Took", "Rows", "Size", "Content"], detail.history.map(([at, took, rows, bytes, version]) => [moment(at), seconds(took), count(rows), size(bytes), el("span", { class: "mono" }, version)]), [1, 2, 3], [4]) : null;
}

// -- lineage ---------------------------------------------------------------------------------------------
async function lineage(n, column) {
  const note = el("p", { class: "quiet" });
  const opaque = upriver.details[upriver.project.assets[n][KEY]].opaque;
  const told = opaque.length ? el("p", {}, "Not understood in part, so every column may come from every other: " + opaque.join("; ")) : null;
  return el("div", {}, told, note, column === undefined ? around(n, note) : await trace(n, column, note));
}

/** The assets around one, nearest first, as many as can be looked at. */
function around(n, note) {
  const met = new Set([n]);
  let [ups, downs] = [[n], [n]];
  let more = false;
  while ((ups.length || downs.length) && !more) {
    const next = [[ups, (at) => upriver.project.assets[at][UPSTREAMS]], [downs, (at) => upriver.downstreams[at]]].map(([ring, near]) => {
      const beyond = [];
      for (const at of ring) for (const far of near(at)) {
        if (met.has(far)) continue;
        if (met.size >= MOST_BOXES) { more = true; continue; }
        met.add(far);
        beyond.push(far);
      }
      return beyond;
    });
    [ups, downs] = next;
  }
  note.textContent = more ? "The nearest " + MOST_BOXES + " assets. A column of the list above shows where it comes from." : "A column of the list above shows where it comes from, and what it feeds.";
  const boxes = [...met].map((at) => box(at, n));
  const wires = [...met].flatMap((at) => upriver.project.assets[at][UPSTREAMS].filter((up) => met.has(up)).map((up) => ({ source: up, target: at, kind: "value" })));
  return draw("Lineage of " + upriver.project.assets[n][KEY], boxes, wires);
}

function box(at, here) {
  const facts = upriver.project.assets[at];
  return { id: at, title: facts[KEY], href: href(facts[KEY]), state: facts[STATE], here: at === here, lines: [] };
}

const ROWS_LINE = "(rows)";

/** What one column comes from and what it feeds, hop by hop. */
async function trace(n, column, note) {
  const seen = new Map(), wires = [];
  let more = false;
  const meet = (at, name) => {
    if (!seen.has(at)) { if (seen.size >= MOST_BOXES) { more = true; return false; } seen.set(at, new Set()); }
    if (seen.get(at).has(name)) return false;
    seen.get(at).add(name);
    return true;
  };
  const every = (at) => [...(upriver.details[upriver.project.assets[at][KEY]]?.columns || []).map(([name]) => name), null];
  const join = (up, from, down, to, kind) => wires.push({ source: up, from: from ?? ROWS_LINE, target: down, to: to ?? ROWS_LINE, kind });
  meet(n, column);
  for (let ring = [[n, column]]; ring.length;) {
    const next = [];
    for (const [at, name] of ring) {
      const detail = await upriver.detail(at);
      for (const [key, from, to, kind] of detail?.edges || []) {
        const up = upriver.places.get(key);
        if (up === undefined || !(to === null || to.includes(name))) continue;
        await upriver.detail(up);
        for (const one of from) { const fresh = meet(up, one); if (seen.get(up)?.has(one)) join(up, one, at, name, kind); if (fresh) next.push([up, one]); }
      }
    }
    ring = next;
  }
  for (let ring = [[n, column]]; ring.length;) {
    const next = [];
    for (const [at, name] of ring) for (const down of upriver.downstreams[at]) {
      const detail = await upriver.detail(down);
      for (const [key, from, to, kind] of detail?.edges || []) {
        if (key !== upriver.project.assets[at][KEY] || !from.includes(name)) continue;
        for (const one of to === null ? every(down) : to) { const fresh = meet(down, one); if (seen.get(down)?.has(one)) join(at, name, down, one, kind); if (fresh) next.push([down, one]); }
      }
    }
    ring = next;
  }
  note.replaceChildren("Column ", el("b", {}, column), ". Whole lines carry values, broken ones decide which rows there are. ", more ? "There is more than fits. " : "", el("a", { href: href(upriver.project.assets[n][KEY], "lineage") }, "Show assets"));
  const boxes = [...seen].map(([at, names]) => ({ ...box(at, n), lines: [...names].map((name) => ({ id: name ?? ROWS_LINE, text: name ?? ROWS_LINE, href: name === null ? null : href(upriver.project.assets[at][KEY], "lineage", name) })) }));
  const once = new Map(wires.map((wire) => [JSON.stringify(wire), wire]));
  return draw("Lineage of " + upriver.project.assets[n][KEY] + "." + column, boxes, [...once.values()]);
}

// -- routes ----------------------------------------------------------------------------------------------
function page(name, ...content) {
  document.title = name + " · Upriver";
  document.getElementById("main").replaceChildren(...content.flat(Infinity).filter(Boolean));
}

function search(text) {
  location.hash = text ? "#/search/" + encodeURIComponent(text) : "#/";
}

let turn = 0;
async function show() {
  if (!upriver.project) return;
  const mine = (turn += 1);
  const [where, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const box = document.getElementById("search");
  if (where === "assets" && upriver.places.has(rest[0])) {
    await upriver.detail(upriver.places.get(rest[0]));
    if (mine === turn) await asset(upriver.places.get(rest[0]), rest[1], rest[2]);
    if (!rest[1]) window.scrollTo(0, 0);
  } else if (where === "assets") {
    page("Not here", el("h1", {}, "No such asset"), el("p", {}, "There is no ", el("code", {}, rest[0] || ""), ". ", el("a", { href: "#/search/" + encodeURIComponent((rest[0] || "").split(".").pop()) }, "Search for it")));
  } else {
    const query = where === "search" ? rest[0] || "" : "";
    if (document.activeElement !== box) box.value = query;
    overview(query);
  }
}

function theme(word) {
  document.documentElement.dataset.theme = word;
  document.getElementById("theme").textContent = word === "dark" ? "Light" : "Dark";
}

window.addEventListener("hashchange", show);
document.getElementById("search").addEventListener("input", (event) => search(event.target.value.trim()));
document.getElementById("search-form").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("theme").addEventListener("click", () => {
  const word = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  theme(word);
  try { localStorage.setItem("theme", word); } catch { /* a browser may keep nothing for files: the choice holds for this page */ }
});
let kept = null;
try { kept = localStorage.getItem("theme"); } catch { kept = null; }
theme(kept || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement.tagName !== "INPUT") { event.preventDefault(); document.getElementById("search").focus(); }
});
