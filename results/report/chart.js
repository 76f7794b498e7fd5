// Curves: median lines with the band of the middle half, over cost, steps or seconds.

const AXES = { cost: "cost (gradients + 2 products)", step: "steps", seconds: "seconds of stepping" };
const SMALLEST = 1e-16; // on a logarithmic axis: what lies below is rounding

function scale(values, from, to, logarithmic) {
  let low = Math.min(...values), high = Math.max(...values);
  if (logarithmic) [low, high] = [Math.log10(low), Math.log10(high)];
  if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
  const place = (v) => from + ((logarithmic ? Math.log10(v) : v) - low) / (high - low) * (to - from);
  return Object.assign(place, { ticks: ticks(low, high, logarithmic) });
}

function ticks(low, high, logarithmic) {
  if (logarithmic && high - low >= 1) {
    const every = Math.max(1, Math.ceil((high - low) / 7));
    const found = [];
    const within = high - low < 2.5 ? [1, 2, 5] : [1];
    for (let k = Math.floor(low); k <= high + 1e-9; k++) if (k % every === 0) found.push(...within.map((digit) => digit * 10 ** k));
    return found.filter((v) => Math.log10(v) >= low - 1e-9 && Math.log10(v) <= high + 1e-9);
  }
  const [a, b] = logarithmic ? [10 ** low, 10 ** high] : [low, high];
  const rough = (b - a) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const gap = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
  const found = [];
  for (let k = Math.ceil(a / gap); k * gap <= b * (1 + 1e-9); k++) found.push(Number((k * gap).toPrecision(6)));
  return found;
}

function tickText(value, logarithmic) {
  const power = Math.log10(value);
  if (!logarithmic || Math.abs(power - Math.round(power)) > 1e-9 || (power > -3 && power < 5)) return number(value);
  return "10" + [...String(Math.round(power))].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
}

// rows: [{row, style: {colour, dash}}]
function chart(rows, measure, axis) {
  const better = measure.better;
  const drawn = rows.map(({ row, style }) => ({ row, style, points: points(row, measure.name, axis) })).filter((line) => line.points.length);
  const every = drawn.flatMap((line) => line.points);
  const logarithmic = better === "lower" && every.some((p) => p.value > 0);
  const node = el("div", { class: "chart" });
  if (!every.length) {
    node.append(el("p", { class: "faint" }, "Nothing to draw: choose rows of the leaderboard that have this measure."));
    return { node, draw() {} };
  }
  const clipped = (v) => (logarithmic ? Math.max(v, SMALLEST) : v);
  const label = `${spelled(measure.name)}${better ? ` ${arrow(better)} ${better} is better` : ""}`;
  const svg = el("svg", { tabindex: "0", role: "application", "aria-roledescription": "chart", "aria-label": `${label}, over ${AXES[axis]}: ${drawn.length} lines. Arrow keys move from point to point and from line to line.` });
  node.append(el("p", { class: "axis" }, label), svg, el("p", { class: "axis right" }, AXES[axis]));
  let marks = [];
  const marker = el("circle", { r: 4.5, class: "marker", visibility: "hidden" });
  hovering(svg, () => marks, (mark) => {
    marker.setAttribute("visibility", mark ? "visible" : "hidden");
    if (mark) { marker.setAttribute("cx", mark.x); marker.setAttribute("cy", mark.y); marker.style.stroke = mark.colour; }
  });

  function draw() {
    const width = Math.max(280, node.clientWidth), height = Math.round(Math.min(400, Math.max(240, width * 0.5)));
    const left = 56, right = width - 12, top = 8, bottom = height - 26;
    const positive = every.map((p) => p.x).filter((v) => v > 0);
    const most = Math.max(...positive), least = Math.max(Math.min(...positive), most * 1e-4);
    const flat = positive.length === 0 || most <= 0;
    const x = scale(flat ? [0, 1] : [least, most], left, right, !flat);
    const inside = (p) => flat || p.x >= least;
    const seen = every.filter(inside);
    const y = scale(seen.flatMap((p) => [p.value, p.low, p.high]).filter((v) => v !== null && (!logarithmic || v > 0)).map(clipped), bottom, top, logarithmic);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    const grid = el("g", { class: "grid" });
    for (const v of y.ticks) grid.append(el("line", { x1: left, x2: right, y1: y(v), y2: y(v) }), el("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, tickText(v, logarithmic)));
    for (const v of x.ticks) grid.append(el("line", { x1: x(v), x2: x(v), y1: top, y2: bottom }), el("text", { x: x(v), y: bottom + 18, "text-anchor": "middle" }, tickText(v, true)));
    const bands = el("g"), lines = el("g");
    marks = [];
    for (const { row, style, points: all } of drawn) {
      const own = all.filter(inside);
      const path = (name, list) => list.map((p, k) => `${k ? "L" : "M"}${x(p.x).toFixed(1)} ${y(clipped(p[name])).toFixed(1)}`).join("");
      const banded = own.filter((p) => p.low !== null && p.high !== null && p.high > p.low);
      if (banded.length > 1) bands.append(el("path", { d: path("high", banded) + path("low", [...banded].reverse()).replace("M", "L") + "Z", class: `band c${style.colour}` }));
      lines.append(el("path", { d: path("value", own), class: `line c${style.colour}`, "stroke-dasharray": style.dash || null }));
      for (const p of own) {
        const spread = p.low === null || p.low === p.high ? [] : [`middle half ${number(p.low)} to ${p.high === null ? "∞" : number(p.high)}`];
        marks.push({ line: row, x: x(p.x), y: y(clipped(p.value)), colour: `var(--c${style.colour})`, lines: [row.optimizer, `${spelled(measure.name)} ${number(p.value)}`, ...spread, `${axis} ${number(p.x)}${axis === "step" ? "" : `, step ${number(p.step)}`}`] });
      }
    }
    svg.replaceChildren(grid, bands, lines, marker);
  }
  return { node, draw };
}

function points(row, measure, axis) {
  const columns = row.line?.measures[measure], along = row.line?.[axis];
  if (!columns || !along) return [];
  const [value, low, high] = columns;
  return along.map((x, k) => ({ x, step: row.line.step[k], value: value[k], low: low[k], high: high[k] })).filter((p) => p.value !== null);
}
