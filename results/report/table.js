// Tables whose heads are buttons that sort: rising, falling, and back. What is missing stays last either way.

// columns: {name, head, title, numeric, value(row), cell(row) -> node or text, detail}
function sortable(caption, columns, options = {}) {
  const state = { column: options.column ?? null, falling: options.falling ?? false, rows: [] };
  const body = el("tbody");
  const heads = columns.map((column) => {
    if (!column.value) return el("th", { scope: "col", class: column.class }, column.head ? column.head : el("span", { class: "hidden" }, column.label));
    const button = el("button", { type: "button", title: column.title, onclick: () => sort(column.name) }, column.head);
    return el("th", { scope: "col", class: `${column.numeric ? "number" : ""} ${column.class ?? ""}`, "aria-sort": "none", "data-column": column.name }, button);
  });
  const table = el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, heads)), body);
  const node = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);

  function sort(name) {
    if (state.column !== name) Object.assign(state, { column: name, falling: columns.find((c) => c.name === name).better === "higher" });
    else state.falling = !state.falling;
    draw();
    say(`sorted by ${name}, ${state.falling ? "falling" : "rising"}`);
  }

  function draw() {
    const column = columns.find((one) => one.name === state.column);
    const rows = column ? [...state.rows].sort((a, b) => compare(column.value(a), column.value(b), state.falling)) : state.rows;
    for (const head of heads) {
      if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", head.dataset.column !== state.column ? "none" : state.falling ? "descending" : "ascending");
    }
    body.replaceChildren(...rows.flatMap((row) => [line(row), options.detail?.(row, columns.length)].filter(Boolean)));
    if (!rows.length) body.append(el("tr", {}, el("td", { colspan: columns.length, class: "faint" }, options.empty ?? "nothing")));
  }

  function line(row) {
    return el("tr", { class: options.rowClass?.(row) }, columns.map((column) => {
      const tag = column.rowHead ? "th" : "td";
      const attributes = { class: `${column.numeric ? "number" : ""} ${column.class ?? ""}`.trim() || null, scope: column.rowHead ? "row" : null, title: column.hint?.(row) };
      return el(tag, attributes, column.cell ? column.cell(row) : column.value(row));
    }));
  }

  return { node, show: (rows) => { state.rows = rows; draw(); }, redraw: draw };
}

function compare(a, b, falling) {
  const none = (v) => v === null || v === undefined || Number.isNaN(v);
  if (none(a) || none(b)) return none(a) - none(b);
  const order = typeof a === "number" && typeof b === "number" ? (a === b ? 0 : a < b ? -1 : 1) : String(a).localeCompare(String(b), "en", { numeric: true });
  return falling ? -order : order;
}

function chooser(label, choices, chosen, change) {
  const select = el("select", { onchange: () => change(select.value) }, choices.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
  return el("label", { class: "field", hidden: choices.length < 2 }, el("span", {}, label), select);
}
