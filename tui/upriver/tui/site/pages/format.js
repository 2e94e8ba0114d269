// Elements and figures. Texts of the project become text nodes only: none can become markup.
"use strict";

const STATES = ["broken", "failed", "blocked", "stale", "pending", "missing", "running", "fresh"];

/** An element; `options` are attributes, a function is a listener; children are elements, texts, or lists of them. */
function el(name, options, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options || {})) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
}

const number = new Intl.NumberFormat("en");

function count(value, noun) {
  return value === null || value === undefined ? "" : number.format(value) + (noun ? " " + noun + (value === 1 ? "" : "s") : "");
}

function size(bytes) {
  if (bytes === null || bytes === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) { bytes /= 1000; at += 1; }
  return (at && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[at];
}

function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 1) return Math.round(value * 1000) + " ms";
  if (value < 60) return value.toFixed(value < 10 ? 1 : 0) + " s";
  if (value < 3600) return Math.round(value / 60) + " min";
  if (value < 172800) return (value / 3600).toFixed(1) + " h";
  return Math.round(value / 86400) + " days";
}

/** A moment, in the reader's time zone, with its exact text as the machine-readable value. */
function moment(at) {
  if (at === null || at === undefined) return "";
  const date = new Date(at * 1000);
  return el("time", { datetime: date.toISOString(), title: date.toISOString() },
    date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }));
}

function state(word) {
  return el("span", { class: "state " + word }, word.replaceAll("_", " "));
}

/** A table; `numbers` and `wide` are the places of columns of figures, and of those that a narrow screen leaves out. */
function table(caption, heads, rows, numbers = [], wide = []) {
  const classes = (n) => [numbers.includes(n) ? "number" : "", wide.includes(n) ? "wide" : ""].join(" ").trim() || null;
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el("table", {},
    el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, heads.map((head, n) => el("th", { scope: "col", class: classes(n) }, head)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, n) => el("td", { class: classes(n) }, cell)))))));
}

const WORDS = {
  sql: /(--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^']|'')*')|\b(select|from|where|group|by|order|having|qualify|window|over|partition|join|left|right|full|inner|outer|cross|lateral|semi|anti|on|using|as|with|recursive|union|intersect|except|all|distinct|case|when|then|else|end|and|or|not|in|is|null|between|like|limit|offset|asc|desc|true|false|cast|exists|values|interval)\b/gi,
  python: /(#[^\n]*)|("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\b(def|return|import|from|as|class|if|elif|else|for|while|in|not|and|or|is|None|True|False|with|try|except|finally|raise|lambda|yield|async|await|pass|assert|del|global|nonlocal|match)\b/g,
};

/** Code with its comments, literals and words marked. */
function code(text, language) {
  const found = [];
  let after = 0;
  for (const match of text.matchAll(WORDS[language] || WORDS.python)) {
    found.push(text.slice(after, match.index));
    found.push(el("span", { class: match[1] ? "comment" : match[2] ? "literal" : "keyword" }, match[0]));
    after = match.index + match[0].length;
  }
  return el("pre", { tabindex: "0", "aria-label": language + " code" }, el("code", {}, found, text.slice(after)));
}
