// The page's values, and how they become text and elements. Every text is set as text: no markup is ever made of a value.

const DATA = JSON.parse(document.getElementById("values").textContent);
const FIXED = { radius: 5, predicted: 5, rate: 5 }; // compared with one another and with 1, so with their points aligned
const COLOURS = 7;
const DASHES = ["", "6 3", "2 2", "7 2 2 2", "11 4"];

function el(tag, attributes = {}, ...children) {
  const node = tag === "svg" || el.svg.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return node;
}
el.svg = new Set(["g", "path", "line", "circle", "rect", "text", "clipPath", "defs"]);

function number(value, name = "") {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (name in FIXED && size < 1e4) return minus(value.toFixed(FIXED[name]));
  if (Number.isInteger(value) && size < 1e6) return minus(value.toLocaleString("en").replaceAll(",", "\u202f"));
  return size >= 1e-3 && size < 1e5 ? minus(Number(value.toPrecision(4)).toString()) : minus(value.toExponential(2)).replace("e+", "e");
}

const minus = (text) => text.replaceAll("-", "−");
const spelled = (name) => name.replaceAll("_", " ");
const percent = (value) => `${Math.round(100 * value)} %`;
const counted = (count, noun) => `${count.toLocaleString("en").replaceAll(",", "\u202f")} ${noun}${count === 1 ? "" : "s"}`;
const arrow = (better) => (better === "lower" ? "↓" : better === "higher" ? "↑" : "");

// A name on one line, unless it is a long one.
const nameCell = (name) => el("span", { class: name.length > 44 ? "" : "whole" }, name);

function say(text) {
  document.getElementById("said").textContent = text;
}

function statusesOf(row) {
  return Object.entries(row.statuses).map(([status, count]) => `${spelled(status)} ${count}`).join(", ");
}
