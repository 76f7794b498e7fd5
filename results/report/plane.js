// Eigenvalues in the complex plane: of the step with the unit circle, of the game's Jacobian with the imaginary axis.

function plane(row, style, spectrum, whole) {
  const circle = spectrum.operator === "step";
  const values = spectrum.values.map(([re, im, none, mass]) => ({ re, im, none, mass, modulus: Math.hypot(re, im) }));
  const radius = Math.max(...values.map((v) => v.modulus));
  const told = circle ? `radius ${radius.toFixed(5)}` : counted(values.length, "eigenvalue");
  const size = 220;
  const svg = el("svg", { viewBox: `0 0 ${size} ${size}`, tabindex: "0", role: "application", "aria-roledescription": "spectrum", "aria-label": `${row.optimizer}: ${counted(values.length, "eigenvalue")}, ${told}. Arrow keys move from one to the next.` });
  const within = whole && circle ? [{ re: -1, im: -1 }, { re: 1, im: 1 }] : circle ? [] : [{ re: 0, im: 0 }];
  const re = [...values, ...within].map((v) => v.re), im = [...values, ...within].flatMap((v) => [v.im, -v.im]);
  const half = Math.max(0.05, 0.58 * Math.max(Math.max(...re) - Math.min(...re), Math.max(...im) - Math.min(...im)));
  const centre = (Math.max(...re) + Math.min(...re)) / 2;
  const unit = (size - 4) / (2 * half);
  const x = (v) => size / 2 + (v - centre) * unit, y = (v) => size / 2 - v * unit;
  const grid = el("g", { class: "grid" }, el("rect", { x: 1, y: 1, width: size - 2, height: size - 2, class: "frame" }), el("line", { x1: 2, x2: size - 2, y1: y(0), y2: y(0) }));
  if (Math.abs(x(0) - size / 2) < size / 2) grid.append(el("line", { x1: x(0), x2: x(0), y1: 2, y2: size - 2, class: circle ? "" : "edge" }));
  if (circle) grid.append(arc(x, y, centre, half));
  for (const [v, anchor, at] of [[centre - half, "start", 6], [centre + half, "end", size - 6]]) grid.append(el("text", { x: at, y: size - 8, "text-anchor": anchor }, number(Number(v.toPrecision(4)))));
  grid.append(el("text", { x: 6, y: 15 }, `${number(Number(half.toPrecision(3)))} i`));
  const dots = el("g", { class: `dots c${style.colour}` }, values.map((v) => el("circle", { cx: x(v.re), cy: y(v.im), r: 3.4, class: v.none ? "null" : "" })));
  const marker = el("circle", { r: 6, class: "marker", visibility: "hidden" });
  svg.append(grid, dots, marker);
  const marks = values.map((v) => ({ line: row, x: 0, y: 0, at: v, lines: eigenvalueText(v) }));
  hovering(svg, () => {
    const zoom = svg.getBoundingClientRect().width / size;
    for (const mark of marks) Object.assign(mark, { x: x(mark.at.re) * zoom, y: y(mark.at.im) * zoom });
    return marks;
  }, (mark) => {
    marker.setAttribute("visibility", mark ? "visible" : "hidden");
    if (mark) { marker.setAttribute("cx", x(mark.at.re)); marker.setAttribute("cy", y(mark.at.im)); }
  });
  return el("figure", { class: "plane" }, el("figcaption", {}, el("span", { class: "strong" }, row.optimizer), el("br"), el("span", { class: "faint" }, told)), svg);
}

// The part of the unit circle inside the panel, as a fine polyline: an SVG circle of a million pixels is drawn wrongly.
function arc(x, y, centre, half) {
  const gap = Math.abs(1 - Math.abs(centre)), reach = Math.SQRT2 * half;
  const wide = gap > reach ? 0 : 2 * Math.asin(Math.min(1, (reach + gap) / 2)); // from the panel's centre outwards, as an angle
  const middle = centre < 0 ? Math.PI : 0;
  const angles = Array.from({ length: 361 }, (_, k) => middle + wide * (k / 180 - 1));
  return el("path", { d: angles.map((t, k) => `${k ? "L" : "M"}${x(Math.cos(t)).toFixed(2)} ${y(Math.sin(t)).toFixed(2)}`).join(""), class: "edge" });
}

function eigenvalueText(v) {
  const im = v.im ? ` ${v.im < 0 ? "−" : "+"} ${number(Math.abs(v.im))} i` : "";
  const lines = [`${number(v.re)}${im}`, `modulus ${v.modulus.toFixed(6)}`];
  if (v.mass.length) lines.push(`mass of the players ${v.mass.map((m) => number(m)).join(", ")}`);
  return v.none ? [...lines, "null direction of the game"] : lines;
}
