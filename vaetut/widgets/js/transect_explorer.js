// @ts-check
// The transect explorer: walk and index are the traits. The images of a walk come as one
// strip a kind, point 0 at the top.

import { FLOOR, keyOf, makeChart } from "./chart.js";
import { announcer, chooser, crisp, dragged, drawStrip, give, loadStrip, make, QUIET, svg, text, whenDecoded } from "./nodes.js";
import { clamp, fixed, makeScale, minus } from "./numbers.js";
import { pathOf } from "./points.js";

// 1 where the model beats the nearest training image, −1 where that beats it, 0 where
// its interval leaves it open.
function compare(walk, { label, higher }, i) {
  const { mean, low = mean, high = mean } = walk.errors[label], other = walk.nearest[label][i];
  if (low[i] <= other && other <= high[i]) return 0;
  return mean[i] > other === higher ? 1 : -1;
}

const OUTCOME = {
  "1": "The model beats the nearest training image here.",
  "0": "No clear difference here: the nearest training image lies within the model’s interval.",
  "-1": "The nearest training image beats the model here.",
};

// ---- The images

// One strip's image in a colour and another's in its complement: white where they agree.
let sheet;
const LAID = ["#ee7733", "#1188cc"]; // their sum is white
function drawOver(canvas, strips, i) {
  sheet ??= make("canvas");
  const { width, height } = canvas, pen = canvas.getContext("2d"), ink = sheet.getContext("2d");
  Object.assign(sheet, { width, height });
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, width, height);
  pen.globalCompositeOperation = "lighter";
  strips.forEach((strip, k) => {
    ink.globalCompositeOperation = "source-over";
    drawStrip(sheet, strip, i);
    ink.globalCompositeOperation = "multiply";
    ink.fillStyle = LAID[k];
    ink.fillRect(0, 0, width, height);
    pen.drawImage(sheet, 0, 0);
  });
  pen.globalCompositeOperation = "source-over";
}

// ---- Walks: straight lines

const point = ({ start, end }, t) => start.map((v, k) => v + t * (end[k] - v));

// The place t from 0 to 1 on a walk that is nearest to p, and how far off it is.
function nearestOn(walk, p) {
  const way = walk.end.map((v, k) => v - walk.start[k]), from = p.map((v, k) => v - walk.start[k]);
  const t = clamp((from[0] * way[0] + from[1] * way[1]) / (way[0] ** 2 + way[1] ** 2), 0, 1);
  const [a, b] = point(walk, t);
  return { walk, t, off: Math.hypot(p[0] - a, p[1] - b) };
}

// ---- The map: a to the right, b upwards, a unit as long in both.

const UNIT = 100, EDGE = 24, FOOT = 30;

function makeMap({ a: [a0, a1], b: [b0, b1], hole: [center, radius], walks, points }) {
  const width = EDGE + UNIT * (a1 - a0) + 8, height = 8 + UNIT * (b1 - b0) + FOOT;
  const x = (a) => EDGE + UNIT * (a - a0), y = (b) => 8 + UNIT * (b1 - b);
  const lines = walks.map((walk) => {
    const { name, start: p, end: q } = walk;
    const ends = { x1: x(p[0]), y1: y(p[1]), x2: x(q[0]), y2: y(q[1]) };
    const [a, b] = point(walk, 1 - 0.24 / Math.hypot(q[0] - p[0], q[1] - p[1]));
    const dots = Array.from({ length: points }, (_, i) => point(walk, i / (points - 1)));
    return svg(
      "g", { class: "vt-line", "data-name": name }, svg("line", { ...ends, class: "vt-touch" }), svg("line", ends),
      svg("path", { d: dots.map(([a, b]) => `M${x(a).toFixed(1)} ${y(b).toFixed(1)}h.01`).join("") }),
      x(a) > width - 30 ? text(x(a) - 6, y(b) + 5, name, { class: "vx-name vx-end" }) : text(x(a) + 5, y(b) - 5, name, { class: "vx-name" }),
    );
  });
  const dot = svg("g", { class: "vx-dot vt-dot" }, svg("circle", { r: 7.5 }), svg("circle", { r: 6.5 }));
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height}`, class: "vt-map vx-pad", "aria-hidden": "true" },
    svg("rect", { class: "vx-ground", x: x(a0), y: y(b1), width: UNIT * (a1 - a0), height: UNIT * (b1 - b0) }),
    svg("circle", { class: "vx-hole vt-hole", cx: x(center[0]), cy: y(center[1]), r: UNIT * radius }),
    ...lines,
    ...[a0, (a0 + a1) / 2, a1].map((a) => text(x(a), y(b0) + 14, a, { class: "vx-mid" })),
    ...[b0, (b0 + b1) / 2, b1].map((b) => text(x(a0) - 6, y(b) + 4, b, { class: "vx-end" })),
    text(x((a0 + 3 * a1) / 4), height - 14, "a", { class: "vx-letter vx-mid" }),
    text(x(a0) - 10, y((b0 + 3 * b1) / 4) + 4, "b", { class: "vx-letter vx-mid" }),
    dot,
  );
  return {
    node,
    under(event) {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
      return [a0 + (at.x - EDGE) / UNIT, b1 - (at.y - 8) / UNIT];
    },
    draw(walk, i) {
      for (const line of lines) line.classList.toggle("vt-now", line.dataset.name === walk.name);
      const [a, b] = point(walk, i / (points - 1));
      give(dot, { transform: `translate(${x(a)} ${y(b)})` });
    },
  };
}

// ---- What the chart of an error along a walk has: a curve or two, the hole, an interval.

function chartOf({ walks, points }, walk, { label }, narrow) {
  const values = walks.flatMap(({ errors, nearest }) => [...Object.values(errors[label]), nearest?.[label] ?? []]).flat();
  const { mean, low, high } = walk.errors[label], other = walk.nearest?.[label], scale = makeScale(values), top = 20;
  const format = (v) => fixed(v, scale.digits), last = points - 1, names = narrow ? 2 : 4;
  return {
    format, scale, top, letter: "ab",
    curves: [{ kind: "vx-k0", values: mean }, ...(other ? [{ kind: "vx-k3", values: other }] : [])],
    marks: Array.from({ length: names + 1 }, (_, k) => [(k * last) / names, ...point(walk, k / names).map((v) => minus(String(Number(v.toFixed(3)))))]),
    label: `${label} along ${walk.name}, from ${format(mean[0])} at its start to ${format(mean[last])} at its end`,
    under(x, y) {
      const parts = [], [from, to] = (walk.span ?? []).map(x), line = (values) => values.map((v, k) => [x(k), y(v)]);
      if (walk.span) parts.push(
        svg("rect", { class: "vt-span", x: from, y: top, width: to - from, height: FLOOR - top }),
        ...[from, to].map((at) => svg("line", { class: "vt-rim", x1: at, x2: at, y1: top, y2: FLOOR })),
        text((from + to) / 2, top - 6, "never seen", { class: "vx-name vx-red vx-mid" }),
      );
      if (low) parts.push(svg("path", { class: "vt-band", d: `${pathOf([...line(high), ...line(low).reverse()])}Z` }));
      return parts;
    },
  };
}

// ---- The explorer. `store` holds walk, by its name, and index.

function mount(root, state, store) {
  const { walks, metrics, points, kinds, image: [height, width] } = state;
  const strips = new Map(walks.map((walk) => [walk, Object.fromEntries(Object.entries(walk.strips).map(([kind, png]) => [kind, loadStrip(png)]))]));
  const group = `vt-${Math.random()}`; // radio buttons of one name are a group
  const now = () => walks.find(({ name }) => name === store.get("walk"));

  const tabs = walks.map(({ name }) => {
    const input = make("input", { type: "radio", name: group, value: name, ...QUIET });
    input.addEventListener("change", () => store.set({ walk: name }));
    return { input, node: make("label", {}, input, make("span", {}, name)) };
  });
  const over = make("input", { type: "checkbox", name: "over", ...QUIET });
  const key = make(
    "span", { class: "vt-key" },
    ...["only in the truth", "only in the image", "in both"].map((words, k) => make("span", { class: `vt-chip vt-chip-${k}` }, words)),
  );

  const map = makeMap(state);
  const tiles = Object.entries(kinds).map(([kind, title]) => {
    const canvas = make("canvas", { width, height, role: "img", class: "vx-image", "data-kind": kind });
    const name = make("p", { class: "vx-title vt-title" });
    return { kind, title, canvas, name, node: make("div", { class: `vt-tile vt-tile-${kind}` }, name, canvas) };
  });

  const where = make("strong"), place = make("span"), values = make("span"), outcome = make("span", { class: "vt-outcome" });
  const choice = chooser("Measure", metrics.map(({ label }) => label), () => show()), heard = announcer();
  const band = keyOf("vt-mark-band", state.interval), copied = keyOf("vx-k3 vt-mark-other", kinds.nearest);
  const sense = make("span"), tally = make("p", { class: "vx-small vt-tally" });
  const chart = makeChart("Place along the transect", points - 1, (index) => store.set({ index }));

  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make(
      "div", { class: "vx-bar" },
      make("div", { class: "vt-tabs", role: "radiogroup", "aria-label": "Transect" }, make("span", { class: "vt-wide", "aria-hidden": "true" }, "Transect"), ...tabs.map(({ node }) => node)),
      make("label", { class: "vx-tick" }, over, "Lay over the truth"), key,
    ),
    make("div", { class: "vt-row" }, make("div", { class: "vt-tile" }, make("p", { class: "vx-title vt-title" }, "where we are"), map.node), ...tiles.map(({ node }) => node)),
    make("p", { class: "vt-words" }, place, " ", where, ". ", values, " ", outcome),
    make(
      "div", { class: "vx-bar" },
      choice.node, sense, make("span", { class: "vx-legend" }, keyOf("vx-k0", kinds.reconstruction), band, copied),
    ),
    chart.node, tally, heard.node,
  ));
  if (state.height) root.style.setProperty("--tile", `${state.height}px`);

  const metric = () => metrics.find(({ label }) => label === choice.select.value);
  function show() {
    const walk = now(), i = store.get("index"), { label, higher } = metric();
    const shown = chartOf(state, walk, metric(), chart.node.clientWidth < 480), { format } = shown;
    const { mean, low, high } = walk.errors[label], other = walk.nearest?.[label];
    const [a, b] = point(walk, i / (points - 1)).map((v) => fixed(v)), inside = Boolean(walk.inside[i]);

    for (const { input } of tabs) input.checked = input.value === walk.name;
    give(chart.input, { "aria-valuetext": `a = ${a}, b = ${b}, ${inside ? "in" : "outside"} the hole` });
    map.draw(walk, i);
    chart.draw(shown, i);

    const laid = over.checked, mine = strips.get(walk);
    for (const { kind, title, canvas, name } of tiles) {
      const both = laid && kind !== "truth";
      name.textContent = both ? `${title.replace("training ", "")} over truth` : title;
      give(canvas, { "aria-label": `${name.textContent} at a = ${a}, b = ${b}` });
      crisp(canvas);
      both ? drawOver(canvas, [mine.truth, mine[kind]], i) : drawStrip(canvas, mine[kind], i);
    }
    key.classList.toggle("vt-off", !laid);

    place.textContent = `a = ${a}, b = ${b}:`;
    where.textContent = inside ? "in the hole" : "outside the hole";
    where.className = `vx-answer ${inside ? "vx-no" : ""}`;
    const spread = low ? ` (${format(low[i])} to ${format(high[i])})` : "";
    values.textContent = `${label} ${format(mean[i])}${spread}${other ? `, nearest training image ${format(other[i])}` : ""}.`;
    outcome.textContent = other ? OUTCOME[compare(walk, metric(), i)] : "";
    band.hidden = !low;
    copied.hidden = !other;
    sense.textContent = higher ? "higher is better" : "lower is better";

    const within = walk.inside.flatMap((yes, k) => (yes ? [k] : []));
    const count = (result) => within.filter((k) => compare(walk, metric(), k) === result).length;
    tally.textContent = `${walk.name} has ${within.length} of its ${points} points in the hole.`;
    if (other && within.length) tally.textContent += ` By ${label} the model beats the nearest training image at ${count(1)} of them and loses at ${count(-1)}${count(0) ? `; ${count(0)} ${count(0) > 1 ? "are" : "is"} too close to call` : ""}.`;

    heard.say(`${walk.name}, ${place.textContent} ${where.textContent}. ${values.textContent} ${outcome.textContent}`);
  }

  // A press takes the walk that is nearest, this one where several are; a drag keeps it.
  dragged(map.node, chart.input, (event, _, press) => { // the arrow keys go on from here
    const p = map.under(event), own = (walk) => Number(walk === now());
    const found = walks.filter((walk) => press || own(walk)).map((walk) => nearestOn(walk, p));
    const best = found.reduce((one, two) => (two.off - 0.1 * own(two.walk) < one.off - 0.1 * own(one.walk) ? two : one));
    store.set({ walk: best.walk.name, index: Math.round(best.t * (points - 1)) });
  });
  over.addEventListener("change", show);
  whenDecoded(root, [...strips.values()].flatMap(Object.values), show);
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-transect", label: "Transect explorer", names: ["walk", "index"], mount };
