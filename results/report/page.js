// The page: what is in it, the choice of a game, the theme.

const byId = (id) => document.getElementById(id);
let view = null;

function facts() {
  byId("title").textContent = DATA.title;
  byId("facts").textContent = [counted(DATA.runs, "run"), counted(DATA.games.length, "game"), counted(DATA.optimizers, "optimizer"), counted(DATA.seeds, "seed"), ...Object.entries(DATA.statuses).map(([s, n]) => `${n.toLocaleString("en").replaceAll(",", "\u202f")} ${spelled(s)}`), `written ${DATA.written}`].join(" · ");
}

function choose(index) {
  const game = DATA.games[index];
  if (!game) return byId("view").replaceChildren(el("p", {}, "No game has a run that applied."));
  view = gameView(game);
  const select = el("select", { id: "which", onchange: () => { choose(Number(select.value)); byId("which").focus(); } }, DATA.games.map((one, k) => el("option", { value: k, selected: k === index }, one.name)));
  const heading = el("h2", {}, el("label", { for: "which" }, "Leaderboard"), " ", select);
  byId("view").replaceChildren(el("section", { id: "game" }, heading, view.node));
  view.draw();
}

const link = (game) => el("button", { type: "button", class: "link", onclick: () => { choose(DATA.games.indexOf(game)); byId("game").scrollIntoView(); byId("which").focus({ preventScroll: true }); } }, game.name);

function games() {
  const rank = (game) => game.rows[0];
  const columns = [
    { name: "game", head: "game", rowHead: true, class: "name", value: (game) => game.name, cell: (game) => link(game) },
    { name: "rows", head: "rows", numeric: true, value: (game) => game.rows.length, title: "optimizers with their hyperparameters" },
    { name: "runs", head: "runs", numeric: true, value: (game) => game.rows.reduce((sum, row) => sum + row.n, 0) },
    { name: "converged", head: "converged", numeric: true, better: "higher", value: (game) => (game.rows.every((row) => row.ok === null) ? null : game.rows.reduce((sum, row) => sum + (row.ok ?? 0), 0)), cell: (game) => (game.rows.every((row) => row.ok === null) ? "no target" : number(game.rows.reduce((sum, row) => sum + (row.ok ?? 0), 0))) },
    { name: "first", head: "first row", value: (game) => rank(game).optimizer, title: "highest success rate, then lowest average runtime, then best median" },
  ];
  const table = sortable("Games", columns);
  table.show(DATA.games);
  byId("games").append(el("h2", {}, "Games"), table.node);
}

function gallery() {
  const shown = DATA.games.map((game) => [game, standing(game)]).filter(([, own]) => own.length);
  byId("pictures").hidden = !shown.length;
  byId("pictures").append(el("h2", {}, "Pictures"),
    el("p", { class: "faint" }, "Of each game its own pictures at the end of one run of its first row, or a grid of samples where it has none."),
    el("div", { class: "gallery" }, shown.map(([game, own]) => {
      const abouts = [...new Set(own.map(({ sample }) => sample.about).filter(Boolean))]; // often one for all of them
      return el("div", {}, el("h3", {}, link(game)), el("div", {}, own.map(({ sample, row }) => captioned(sample, row.optimizer, null))), abouts.map((about) => el("p", { class: "faint" }, about)));
    })));
}

function failures() {
  const columns = [
    { name: "status", head: "status", value: (row) => row.status, cell: (row) => el("span", { class: `status ${row.status.replace(" ", "_")}` }, spelled(row.status)) },
    { name: "optimizer", head: "optimizer", rowHead: true, class: "name", value: (row) => row.optimizer, cell: (row) => nameCell(row.optimizer) },
    { name: "runs", head: "runs", numeric: true, better: "higher", value: (row) => row.runs, cell: (row) => number(row.runs) },
    { name: "games", head: "games", class: "wide", value: (row) => Object.keys(row.games).join(", ") },
    { name: "reason", head: "reason", class: "wide", value: (row) => row.reason ?? "–" },
  ];
  const table = sortable("Failures", columns, { empty: "none" });
  const kinds = [...new Set(DATA.failures.map((row) => row.status))];
  const state = { status: "", text: "" };
  const show = () => table.show(DATA.failures.filter((row) => (!state.status || row.status === state.status) && JSON.stringify(row).toLowerCase().includes(state.text.toLowerCase())));
  byId("failures").append(el("h2", {}, "Failures"),
    el("p", { class: "faint" }, "Errors, timeouts, runs drawn to no solution, divergence, and what does not apply to a game. Divergence is a result, not a fault."),
    el("div", { class: "tools" },
      el("label", { class: "field" }, el("span", {}, "Filter"), el("input", { type: "search", placeholder: "optimizer, game, reason", oninput: (event) => { state.text = event.target.value; show(); } })),
      chooser("Status", [["", "all"], ...kinds.map((kind) => [kind, `${spelled(kind)} (${DATA.failures.filter((r) => r.status === kind).reduce((sum, r) => sum + r.runs, 0)})`])], "", (value) => { state.status = value; show(); })),
    table.node);
  show();
}

function machine() {
  const value = (name, v) => (v === null ? "–" : name === "memory_bytes" ? `${(v / 2 ** 30).toFixed(1)} GiB` : String(v));
  const lists = DATA.machines.map((one) => el("dl", {}, DATA.machine_columns.filter(([name]) => one[name] !== null).flatMap(([name, meaning]) => [el("dt", { title: meaning }, spelled(name).replace(" bytes", "")), el("dd", {}, value(name, one[name]))])));
  const names = Object.keys(DATA.contexts[0] ?? {});
  const columns = names.map((name) => ({ name, head: spelled(name), numeric: ["threads", "runs"].includes(name), value: (row) => row[name], cell: (row) => (name === "commit" ? row.commit.slice(0, 12) : value(name, row[name])), hint: (row) => row[name] }));
  const table = sortable("Contexts", columns);
  table.show(DATA.contexts);
  byId("machine").append(el("h2", {}, "Machine"), ...lists, el("h3", {}, "Contexts"), el("p", { class: "faint" }, "Where and from which commit the runs were made; times are UTC."), table.node);
}

function reading() {
  const known = new Map(DATA.games.flatMap((game) => game.columns).map((column) => [column.name, column]));
  const terms = [
    ["order", "Rows begin with the highest success rate, then the lowest average runtime, then the best median of what the game is judged by."],
    ["success", "Converged runs of n, with Wilson's 95 % interval. A run that converged to a point that is no solution is not counted."],
    ["ended", "converged: at 1e-6 of the starting distance or gap unless the budget says otherwise; diverged: no number, or 1e6 times the start; cycling: neither, and no longer shrinking; budget: neither, still moving; completed: the game has no target."],
    ...[...known.values()].map((column) => [spelled(column.name) + (column.better ? ` ${arrow(column.better)}` : ""), `${column.meaning}${column.unit ? ` [${column.unit}]` : ""}.`]),
    ["track", "tuned: the hyperparameters won a search; defaults: they are the catalogue's. The two are never summed up together."],
    ["reproduce", "The command runs the same cells with this version; at another commit defaults may differ. Device and version decide the last digits."],
  ];
  byId("reading").append(el("h2", {}, "How to read"),
    el("dl", { class: "terms" }, terms.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, text)])),
    el("p", { class: "faint" }, `Curves have at most ${DATA.points} points a line, spectra each distinct eigenvalue once.`),
    el("ul", { id: "notes", hidden: !DATA.notes.length }, DATA.notes.map((note) => el("li", {}, note))),
    el("p", { class: "faint" }, `saddlebench ${DATA.version}`));
}

function themes() {
  const order = ["auto", "light", "dark"], button = byId("theme");
  const set = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `theme: ${theme}`;
    try { localStorage.setItem("saddlebench-theme", theme); } catch { /* storage may be closed to files */ }
  };
  button.addEventListener("click", () => set(order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length]));
  let kept = null;
  try { kept = localStorage.getItem("saddlebench-theme"); } catch { /* as above */ }
  set(order.includes(kept) ? kept : "auto");
}

themes();
facts();
games();
gallery();
choose(0);
failures();
machine();
reading();
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) view?.resize();
  width = innerWidth;
});
addEventListener("scroll", () => { byId("tip").hidden = true; }, { passive: true });
