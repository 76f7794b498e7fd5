// One game: its leaderboard with filters, and the curves, spectra and samples of the rows that are marked in it.

const MARKED_AT_FIRST = 5;

function gameView(game) {
  const marked = new Map(); // row → style
  const opened = new Set();
  const filter = { text: "", status: "", track: "" };
  const both = new Set(game.rows.map((row) => row.track)).size > 1;
  const curves = curvesOf(game, marked), spectra = spectraOf(game, marked), samples = samplesOf(game, marked);

  function mark(row) {
    const taken = new Set([...marked.values()].map((style) => style.number));
    let next = 0;
    while (taken.has(next)) next++;
    marked.set(row, { number: next, colour: next % COLOURS, dash: DASHES[Math.floor(next / COLOURS) % DASHES.length] });
  }

  const shared = sharedBy(game).map(([name, value]) => (name === "n" ? `${value} runs each` : `${number(value)} ${name}`));
  const count = el("p", { class: "faint", role: "status" });
  const board = sortable(`Leaderboard of ${game.name}`, columnsOf(game, both, marked, opened, changed, () => board.redraw()), {
    empty: "no row passes the filters",
    rowClass: (row) => (marked.has(row) ? "marked" : ""),
    detail: (row, width) => (opened.has(row) ? el("tr", { class: "detail" }, el("td", { colspan: width }, details(row))) : null),
  });

  function changed(row, on) {
    if (on) mark(row); else marked.delete(row);
    for (const part of [curves, spectra, samples]) part.draw();
    board.node.querySelectorAll("tbody tr:not(.detail)").forEach((line) => line.classList.toggle("marked", line.querySelector("input")?.checked));
    board.recolour();
  }

  board.recolour = () => {
    for (const box of board.node.querySelectorAll("tbody input")) box.nextSibling.replaceWith(swatch(marked.get(box.row)));
  };

  function show() {
    const rows = game.rows.filter((row) => {
      const words = `${row.optimizer} ${row.track} ${statusesOf(row)}`.toLowerCase();
      return filter.text.toLowerCase().split(/\s+/).every((word) => words.includes(word)) && (!filter.status || filter.status in row.statuses) && (!filter.track || row.track === filter.track);
    });
    const shown = rows.length === game.rows.length ? counted(rows.length, "row") : `${rows.length} of ${counted(game.rows.length, "row")}`;
    count.textContent = [shown, ...shared].join(", ");
    board.show(rows);
  }

  const statuses = [...new Set(game.rows.flatMap((row) => Object.keys(row.statuses)))];
  const tools = el("div", { class: "tools" },
    el("label", { class: "field" }, el("span", {}, "Filter"), el("input", { type: "search", placeholder: "optimizer, parameter, status", oninput: (event) => { filter.text = event.target.value; show(); } })),
    chooser("Status", [["", "all"], ...statuses.map((s) => [s, spelled(s)])], "", (value) => { filter.status = value; show(); }),
    both ? chooser("Track", [["", "tuned and defaults"], ["tuned", "tuned"], ["defaults", "defaults"]], "", (value) => { filter.track = value; show(); }) : null,
    count);
  game.rows.slice(0, MARKED_AT_FIRST).forEach(mark);
  show();
  const node = el("div", {}, tools, board.node, judging(game), curves.node, spectra.node, samples.node);
  return { node, draw: () => [curves, spectra, samples].forEach((part) => part.draw()), resize: () => curves.resize() };
}

function swatch(style) {
  const svg = el("svg", { class: `swatch ${style ? `c${style.colour}` : ""}`, width: 22, height: 10, "aria-hidden": "true" });
  if (style) svg.append(el("line", { x1: 0, x2: 22, y1: 5, y2: 5, class: `line c${style.colour}`, "stroke-dasharray": style.dash || null }));
  return svg;
}

// What all rows have alike stands above the table.
function sharedBy(game) {
  const facts = [["n", (row) => row.n], ["steps", (row) => row.values.steps]];
  return facts.map(([name, of]) => [name, [...new Set(game.rows.map(of))]]).filter(([, values]) => values.length === 1 && values[0] !== undefined).map(([name, [value]]) => [name, value]);
}

function columnsOf(game, both, marked, opened, changed, redraw) {
  const common = new Map(sharedBy(game));
  const success = game.rows.some((row) => row.ok !== null);
  const variants = [...new Set(game.rows.flatMap((row) => Object.keys(row.variants)))];
  return [
    { name: "drawn", head: "", label: "drawn below", class: "pick", cell: (row) => {
      const box = el("input", { type: "checkbox", checked: marked.has(row), "aria-label": `draw ${row.optimizer}`, onchange: () => changed(row, box.checked) });
      box.row = row;
      return el("label", { class: "pick" }, box, swatch(marked.get(row)));
    } },
    { name: "optimizer", head: "optimizer", rowHead: true, class: "name", value: (row) => row.optimizer, cell: (row) => nameCell(row.optimizer), title: "optimizer, with the hyperparameters that are no defaults" },
    both ? { name: "track", head: "track", value: (row) => row.track, cell: (row) => el("span", { class: `tag ${row.track}` }, row.track), title: "hyperparameters: tuned by a search, or the defaults" } : null,
    common.has("n") ? null : { name: "n", head: "n", numeric: true, value: (row) => row.n, title: "runs, one a seed" },
    success ? { name: "success", head: "success", numeric: true, better: "higher", value: (row) => (row.ok === null ? null : row.ok / row.n), title: "runs that converged, with Wilson's 95 % interval", cell: (row) => rate(row) } : null,
    { name: "status", head: "ended", value: statusesOf, title: "how the runs ended", cell: (row) => el("span", {}, ...Object.entries(row.statuses).map(([status, n]) => el("span", { class: `status ${status}` }, `${spelled(status)} ${n}`)), row.deceived ? el("span", { class: "status error", title: row.reason }, `to no solution ${row.deceived}`) : null) },
    ...game.columns.filter((column) => !common.has(column.name)).map((column) => ({
      name: column.name, numeric: true, better: column.better,
      head: `${spelled(column.name)}${column.better ? ` ${arrow(column.better)}` : ""}`,
      title: `${column.meaning}${column.unit ? ` [${column.unit}]` : ""}${column.better ? `; ${column.better} is better` : ""}`,
      value: (row) => row.values[column.name],
      cell: (row) => number(row.values[column.name], column.name),
      hint: (row) => (column.name === "radius" && row.no_spectrum) || (row.values[column.name] ?? null),
    })),
    ...variants.map((name) => ({ name, head: name, value: (row) => row.variants[name] ?? null, cell: (row) => row.variants[name] ?? "–", title: "what else sets rows apart" })),
    { name: "command", head: "", label: "reproduce", class: "act", cell: (row) => el("button", { type: "button", class: "small", "aria-expanded": String(opened.has(row)), "aria-label": `reproduce ${row.optimizer}`, onclick: (event) => {
      if (!opened.delete(row)) opened.add(row);
      const label = event.target.getAttribute("aria-label");
      redraw();
      [...document.querySelectorAll("button.small")].find((button) => button.getAttribute("aria-label") === label)?.focus();
    } }, "reproduce") },
  ].filter(Boolean);
}

function rate(row) {
  if (row.ok === null) return "–";
  return el("span", {}, el("span", {}, `${row.ok}/${row.n} `), el("span", { class: "faint interval" }, `${percent(row.interval[0])} – ${percent(row.interval[1])}`));
}

function details(row) {
  const code = el("code", { class: "command", tabindex: "0" }, row.command);
  const button = el("button", { type: "button", class: "small", onclick: async () => {
    const done = await copied(row.command, code);
    button.textContent = done ? "copied" : "press Ctrl+C";
    say(done ? "command copied" : "the command is selected");
    setTimeout(() => { button.textContent = "copy"; }, 2000);
  } }, "copy");
  const facts = [`recorded at commit ${row.commit.slice(0, 12)}${row.dirty ? " with uncommitted changes" : ""}`, `hyperparameters: ${row.track}`, ...row.missing];
  if (row.extractor) facts.push(`extractor ${row.extractor}`);
  if (row.reason) facts.push(row.reason);
  if (row.no_spectrum) facts.push(`no spectrum: ${row.no_spectrum}`);
  return el("div", { class: "details" }, el("div", { class: "copy" }, code, button), el("p", { class: "faint" }, facts.join(" · ")));
}

async function copied(text, node) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(node);
    return document.execCommand("copy");
  }
}

function judging(game) {
  const { extractors, beside } = game.judging;
  const names = Object.keys(beside);
  if (!names.length && !extractors.length) return null;
  const stems = [...new Set(names.map((name) => name.replace(/_(floor|uniform_noise|n_real|n_fake)$/, "")))];
  const of = (stem, what) => (beside[`${stem}_${what}`] ?? []).map((v) => number(v)).join(", ") || "–";
  const head = ["measure", "floor (real against real)", "uniform noise", "real images", "generated images"];
  return el("div", {}, el("h3", {}, "Beside the image measures"),
    el("p", { class: "faint" }, `Floors and counts that values must be read with. Feature extractor: ${extractors.join(", ") || "not recorded"}.`),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "floors and counts" }, el("table", { class: "narrow judging" },
      el("thead", {}, el("tr", {}, head.map((text, k) => el("th", { scope: "col", class: k ? "number" : null }, text)))),
      el("tbody", {}, stems.map((stem) => el("tr", {}, el("th", { scope: "row" }, spelled(stem)), ["floor", "uniform_noise", "n_real", "n_fake"].map((what) => el("td", { class: "number" }, of(stem, what)))))))));
}

function curvesOf(game, marked) {
  const state = { measure: game.measures[0]?.name, axis: "cost", chart: null };
  const place = el("div"), legend = el("ul", { class: "legend", "aria-label": "lines" });
  const timed = game.rows.some((row) => row.line?.seconds);
  const node = el("section", { id: "curves" }, el("h3", {}, "Curves"),
    el("p", { class: "faint" }, "Median over seeds and the middle half; a diverged run counts as infinitely far. Rows are chosen by the boxes in the leaderboard."),
    el("div", { class: "tools" },
      chooser("Measure", game.measures.map((m) => [m.name, spelled(m.name)]), state.measure, (value) => { state.measure = value; draw(); }),
      chooser("Over", [["cost", "cost"], ["step", "steps"], ...(timed ? [["seconds", "seconds"]] : [])], "cost", (value) => { state.axis = value; draw(); })),
    place, legend);
  function draw() {
    const measure = game.measures.find((m) => m.name === state.measure);
    const rows = [...marked].map(([row, style]) => ({ row, style }));
    if (!measure) return place.replaceChildren(el("p", { class: "faint" }, "There are no curves of this game."));
    state.chart = chart(rows, measure, state.axis);
    place.replaceChildren(state.chart.node);
    state.chart.draw();
    legend.replaceChildren(...rows.map(({ row, style }) => el("li", {}, swatch(style), el("span", {}, row.optimizer), row.track === "tuned" ? el("span", { class: "tag tuned" }, "tuned") : null)));
  }
  return { node, draw, resize: () => state.chart?.draw() };
}

function spectraOf(game, marked) {
  const all = game.rows.flatMap((row) => row.spectra);
  const operators = [...new Set(all.map((s) => s.operator))].sort().reverse();
  const order = (point) => (point === "equilibrium" ? -1 : Number(point.slice(5)));
  const points = [...new Set(all.map((s) => s.point))].sort((a, b) => order(a) - order(b));
  const state = { operator: operators[0], point: points[0], whole: true };
  const place = el("div", { class: "planes" });
  const text = { step: "the step", game: "the game's Jacobian" };
  const node = el("section", { id: "spectra", hidden: !all.length }, el("h3", {}, "Spectra"),
    el("p", { class: "faint" }, "Eigenvalues in the complex plane. Those of the step contract inside the unit circle, the grey line; hollow ones are null directions that the game declares."),
    el("div", { class: "tools" },
      chooser("Of", operators.map((o) => [o, text[o]]), state.operator, (value) => { state.operator = value; draw(); }),
      chooser("At", points.map((p) => [p, p.replace("step:", "step ")]), state.point, (value) => { state.point = value; draw(); }),
      chooser("View", [["whole", "the whole unit circle"], ["close", "close up"]], "whole", (value) => { state.whole = value === "whole"; draw(); })),
    place);
  function draw() {
    const panels = [...marked].flatMap(([row, style]) => row.spectra.filter((s) => s.operator === state.operator && s.point === state.point).map((s) => plane(row, style, s, state.whole)));
    place.replaceChildren(...(panels.length ? panels : [el("p", { class: "faint" }, "No marked row has this spectrum; the row's details say why.")]));
  }
  return { node, draw };
}

// A picture with its caption: what it shows, of which optimizer, step and seed, and what the game says of it.
function captioned(sample, optimizer, about = sample.about) {
  const facts = [sample.step === null ? null : `step ${sample.step}`, `seed ${sample.seed}`].filter(Boolean).join(", ");
  return el("figure", {},
    el("img", { src: sample.uri, alt: `${sample.name} of ${optimizer}, ${facts}`, loading: "lazy" }),
    el("figcaption", { title: sample.source }, el("div", {}, el("b", {}, spelled(sample.name.replaceAll("-", "_"))), `, ${facts}`), el("div", {}, optimizer), about ? el("div", { class: "faint" }, about) : null));
}

// What stands for a game among others: its own pictures of one run, or a grid of samples if it has none.
function standing(game) {
  const row = game.rows.find((one) => one.samples.some((sample) => sample.own)) ?? game.rows.find((one) => one.samples.length);
  const own = row?.samples.filter((sample) => sample.own) ?? [];
  const run = own.length ? own.filter((sample) => sample.seed === own[0].seed) : row?.samples.slice(0, 1) ?? [];
  return run.map((sample) => ({ sample, row }));
}

function samplesOf(game, marked) {
  const place = el("div", { class: "samples" });
  const node = el("section", { id: "samples", hidden: !game.rows.some((row) => row.samples.length) }, el("h3", {}, "Samples"), el("p", { class: "faint" }, "The game's own pictures and grids of samples of the marked rows, made smaller for this page."), place);
  function draw() {
    const shown = [...marked.keys()].flatMap((row) => row.samples.map((sample) => captioned(sample, row.optimizer)));
    place.replaceChildren(...(shown.length ? shown : [el("p", { class: "faint" }, "No marked row has samples here.")]));
  }
  return { node, draw };
}
