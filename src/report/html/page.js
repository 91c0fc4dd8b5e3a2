"use strict";
// Tables are sorted by a click on a head: numbers by their value in one unit, words by the alphabet.
const UNIT = { "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "y": 31536000 };
const amount = (text) => {
  const found = /^[^\d-]*(-?[\d,]*\.?\d+)(?:\s*±\s*[\d.,]+)?\s*(\S*)/.exec(text);
  return found ? parseFloat(found[1].replaceAll(",", "")) * (UNIT[found[2]] ?? 1) : NaN;
};
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  if (body.rows.length < 3) continue;
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    const isNumber = head.classList.contains("right");
    button.onclick = () => {
      const sign = head.ariaSort === (isNumber ? "descending" : "ascending") ? -1 : 1;
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", (sign > 0) === isNumber ? "descending" : "ascending");
      const text = (row) => row.cells[i].textContent.trim();
      const order = (a, b) => {
        if (!isNumber) return sign * text(a).localeCompare(text(b));
        const [x, y] = [amount(text(a)), amount(text(b))];
        return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (y - x);
      };
      body.append(...[...body.rows].sort(order));
    };
  });
}
// Curves are read and zoomed: by pointer and wheel, or by the keys ← → + − 0 while the picture has the focus.
const digits = (v) => String(+v.toPrecision(v >= 1000 ? 4 : 3));
const SAY = {
  ratio: (v) => +(v * 100).toFixed(3) + " %",
  latency: (v) => (v >= 1 ? digits(v) + " s" : v >= 1e-3 ? digits(v * 1e3) + " ms" : digits(v * 1e6) + " µs"),
  rate: (v) => digits(v) + " /s",
  time: (v) => (v < 3600 ? digits(v) + " s" : v < 172800 ? digits(v / 3600) + " h" : digits(v / 86400) + " d"),
};
const make = (name, attributes, parent) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([k, v]) => element.setAttribute(k, v));
  return parent.appendChild(element);
};
function explore(figure, { across, curves }) {
  let [curve, from, to, at] = [curves[0], 0, 0, 0];
  const box = document.createElement("div"), bar = document.createElement("div"), output = document.createElement("output");
  box.className = "explore";
  bar.className = "bar";
  const svg = make("svg", { viewBox: "0 0 1000 190", preserveAspectRatio: "none", tabindex: 0, role: "img" }, box);
  const plot = document.createElement("div"), up = document.createElement("div"), foot = document.createElement("div");
  [plot.className, up.className, foot.className] = ["plot", "up", "across"];
  plot.append(svg, up);
  box.append(bar, plot, foot);
  box.append(output);
  // Percentiles are known the closer the nearer to the tail, and drawn as they are known.
  const place = (i) => (across === "ratio" ? i : curve.x[i]);
  const known = () => curve.x.map((_, i) => i).filter((i) => curve.y[i] !== null && i >= from && i <= to);
  const draw = () => {
    const shown = known(), highest = Math.max(...shown.map((i) => curve.hi?.[i] ?? curve.y[i]), 1e-12);
    const [first, last] = [curve.x[from], curve.x[to]];
    const px = (i) => (1000 * (place(i) - place(from))) / (place(to) - place(from) || 1), py = (v) => 184 - (176 * v) / highest;
    svg.replaceChildren();
    // Words of an axis are no part of the picture, which is stretched to its place.
    const ticks = (parent, texts) => parent.replaceChildren(...texts.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    const along = (t) => (across === "ratio" ? curve.x[Math.round(from + t * (to - from))] : first + t * (last - first));
    const name = { time: "time", ratio: "share of requests", rate: "load" }[across];
    ticks(up, [SAY[curve.unit](highest), SAY[curve.unit](highest / 2), "0"]);
    ticks(foot, [0, 0.25, 0.5, 0.75, 1].map((t) => (t === 0.5 ? name + ": " : "") + SAY[across](along(t))));
    for (const y of [8, 96, 184]) make("line", { class: "grid", x1: 0, x2: 1000, y1: y, y2: y }, svg);
    const band = curve.hi ? shown.filter((i) => curve.lo[i] !== null && curve.hi[i] !== null) : [];
    const edge = [...band.map((i) => px(i) + "," + py(curve.hi[i])), ...band.reverse().map((i) => px(i) + "," + py(curve.lo[i]))];
    make("polygon", { class: "band", points: edge.join(" ") }, svg);
    make("polyline", { class: "curve", points: shown.map((i) => px(i) + "," + py(curve.y[i])).join(" ") }, svg);
    make("line", { class: "at", x1: px(at), x2: px(at), y1: 0, y2: 190 }, svg);
    const say = SAY[curve.unit], value = curve.y[at];
    const width = curve.hi && curve.lo[at] !== null && curve.hi[at] !== null ? ` (${say(curve.lo[at])} to ${say(curve.hi[at])})` : "";
    output.textContent = `${curve.name} at ${SAY[across](curve.x[at])}: ${value === null ? "nothing" : say(value)}${width}` +
      ` · shown: ${SAY[across](first)} to ${SAY[across](last)}, up to ${say(highest)}`;
    svg.setAttribute("aria-label", output.textContent);
  };
  const zoom = (factor) => {
    const all = curve.x.length - 1, span = Math.min(all, Math.max(4, Math.round((to - from) * factor)));
    from = Math.max(0, Math.min(all - span, Math.round(at - ((at - from) / (to - from || 1)) * span)));
    to = from + span;
    draw();
  };
  const step = (by) => {
    at = Math.max(0, Math.min(curve.x.length - 1, at + by));
    const shift = Math.min(0, at - from) + Math.max(0, at - to);
    [from, to] = [from + shift, to + shift];
    draw();
  };
  const keys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), "+": () => zoom(0.5), "-": () => zoom(2), 0: () => zoom(Infinity) };
  svg.onkeydown = (event) => keys[event.key] && (event.preventDefault(), keys[event.key]());
  svg.onpointermove = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const wanted = place(from) + ((place(to) - place(from)) * (event.clientX - left)) / width;
    at = from;
    for (let i = from; i <= to; i++) if (Math.abs(place(i) - wanted) < Math.abs(place(at) - wanted)) at = i;
    draw();
  };
  svg.addEventListener("wheel", (event) => (event.preventDefault(), zoom(event.deltaY < 0 ? 0.7 : 1.4)), { passive: false });
  const button = (text, label, action) => {
    const element = document.createElement("button");
    Object.assign(element, { type: "button", textContent: text, ariaLabel: label, onclick: action });
    return bar.appendChild(element);
  };
  const choices = curves.map((c) => button(c.name, c.name, () => choose(c)));
  const choose = (wanted) => {
    curve = wanted;
    [from, to] = [0, curve.x.length - 1];
    at = Math.min(at, to);
    choices.forEach((b, i) => b.setAttribute("aria-pressed", curves[i] === wanted));
    draw();
  };
  button("+", "closer", keys["+"]);
  button("−", "further", keys["-"]);
  button("all", "show all", keys[0]);
  choose(curves[0]);
  figure.append(box);
}
for (const data of document.querySelectorAll("script.curves")) explore(data.parentElement, JSON.parse(data.textContent));
