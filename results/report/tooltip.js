// Values under the pointer or, with the arrow keys, under a marker: of curves and of spectra alike.

// marks(): [{line, x, y, lines: [text]}] in the drawing's own pixels; shown(mark) moves the marker, or hides it for null.
function hovering(svg, marks, shown) {
  const tip = document.getElementById("tip");
  let current = null;

  function at(mark, spoken) {
    current = mark;
    shown(mark);
    tip.hidden = !mark;
    if (!mark) return;
    tip.replaceChildren(...mark.lines.map((text, k) => el("div", { class: k ? "" : "strong" }, text)));
    const box = svg.getBoundingClientRect();
    const x = box.left + mark.x, y = box.top + mark.y;
    const right = Math.min(x + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, right)}px`;
    tip.style.top = `${y + 14 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 14}px`;
    if (spoken) say(mark.lines.join(", "));
  }

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, least = 40 ** 2;
    for (const mark of marks()) {
      const away = (mark.x - x) ** 2 + (mark.y - y) ** 2;
      if (away < least) [best, least] = [mark, away];
    }
    at(best, false);
  });
  svg.addEventListener("pointerleave", () => at(null));
  svg.addEventListener("blur", () => at(null));
  svg.addEventListener("keydown", (event) => {
    const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key], across = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const all = marks();
    if (event.key === "Escape") return at(null);
    if ((!sideways && !across) || !all.length) return;
    event.preventDefault();
    if (!current) return at(all[0], true);
    const lines = [...new Set(all.map((mark) => mark.line))];
    const place = lines.indexOf(current.line);
    if (sideways || lines.length < 2) {
      const own = all.filter((mark) => mark.line === current.line);
      const index = own.findIndex((mark) => mark.x === current.x && mark.y === current.y);
      return at(own[(Math.max(index, 0) + (sideways || across) + own.length) % own.length], true);
    }
    const next = all.filter((mark) => mark.line === lines[(place + across + lines.length) % lines.length]);
    at(next.reduce((a, b) => (Math.abs(b.x - current.x) < Math.abs(a.x - current.x) ? b : a)), true);
  });
  return { clear: () => at(null) };
}
