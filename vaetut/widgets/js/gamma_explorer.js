// @ts-check
// The gamma explorer: run, azimuth, elevation and fit are the traits. Each run's lattice
// comes with its middle at 0, its latent axes as they are.

import { keyOf } from "./chart.js";
import { announcer, button, dragged, give, keyed, make, QUIET, slider, svg, text } from "./nodes.js";
import { clamp, fixed, makeScale, minus, unpack } from "./numbers.js";
import { pathAlong, project, putName, turnView, turned } from "./points.js";

const VIEWS = [["z₁ z₂", "z₃", 0, 90], ["z₁ z₃", "z₂", 0, 0], ["z₂ z₃", "z₁", -90, 0]]; // along an axis each

// The rows of a lattice, and its columns, as points of their own.
function linesOf(points, [na, nb]) {
  const at = (i, j) => points.slice(3 * (i * nb + j), 3 * (i * nb + j) + 3);
  const line = (n, place) => Float32Array.from(Array.from({ length: n }, (_, k) => [...place(k)]).flat());
  return [
    Array.from({ length: na }, (_, i) => line(nb, (j) => at(i, j))),
    Array.from({ length: nb }, (_, j) => line(na, (i) => at(i, j))),
  ];
}

// ---- A score: its mean and interval on a small scale, with the other runs and chance.

function makeScore({ name, rows, reference }) {
  const scale = makeScale([...rows.flat(), ...(reference === null ? [] : [reference])]), top = Math.max(...scale.ticks.map(Math.abs));
  const digits = clamp(top > 1 ? Math.ceil(2 - Math.log10(top)) : 2 + Math.floor(-Math.log10(top)), 0, 6);
  const number = (v) => fixed(v, digits), x = (v) => 8 + (144 * (v - scale.bottom)) / (scale.top - scale.bottom);
  const bar = svg("line", { class: "vg-bar", y1: 12, y2: 12 }), dot = svg("circle", { class: "vg-dot", cy: 12, r: 5 });
  const picture = svg(
    "svg", { viewBox: "0 0 160 34", class: "vg-scale", "aria-hidden": "true" },
    svg("line", { class: "vg-axis", x1: 8, x2: 152, y1: 12, y2: 12 }),
    ...rows.map(([mean]) => svg("line", { class: "vg-other", x1: x(mean), x2: x(mean), y1: 8, y2: 16 })),
    bar, ...(reference === null ? [] : [svg("path", { class: "vg-chance", d: `M${x(reference)} 3l5.5 9l-5.5 9l-5.5 -9z` })]), dot,
    text(8, 32, minus(String(scale.bottom))), text(152, 32, minus(String(scale.top)), { class: "vx-end" }),
  );
  const value = make("td", { class: "vg-value" }), chance = reference === null ? "" : `, by chance ${number(reference)}`;
  return {
    node: make("tr", {}, make("th", { scope: "row" }, name), value, make("td", {}, picture)),
    show(k) {
      const [mean, low, high] = rows[k], range = `${number(low)} to ${number(high)}`;
      value.replaceChildren(make("strong", {}, number(mean)), make("span", {}, ` (${range})`));
      give(bar, { x1: x(low), x2: x(high) });
      give(dot, { cx: x(mean) });
      return `${name} ${number(mean)} (${range}${chance})`;
    },
  };
}

// ---- The explorer

function mount(root, state, store) {
  const { runs, flat, shape } = state, last = runs.length - 1;
  const grids = runs.map(({ codes }) => linesOf(unpack(codes), shape));
  const index = () => runs.findIndex(({ name }) => name === store.get("run"));
  const run = slider(state.label, { min: 0, max: last }, (k) => store.set({ run: runs[k].name }));
  const fit = make("input", { type: "checkbox", name: "fit", ...QUIET }), heard = announcer();
  fit.addEventListener("change", () => store.set({ fit: fit.checked }));

  const paths = grids[0].map((lines, k) => lines.map((_, i) => svg("path", { class: `vg-line vx-k${k} ${i % (lines.length - 1) ? "" : "vg-edge"}` })));
  const axes = (flat ? [0, 1] : [0, 1, 2]).map((k) => ({
    ends: Float32Array.from([-1, 1].flatMap((sign) => [0, 1, 2].map((c) => (c === k ? 1.12 * sign : 0)))),
    arm: svg("path", { class: "vg-arm" }), name: svg("text", { class: "vx-name vx-mid" }, `z${"₁₂₃"[k]}`),
  }));
  const sides = state.sides.map(([words, kind, i, j]) => ({ node: svg("text", { class: `vx-name vx-mid vg-side vx-k${kind}` }, words), place: i * shape[1] + j }));
  const picture = svg(
    "svg", { class: "vg-picture", "aria-hidden": "true" }, ...axes.map(({ arm }) => arm), ...paths[1], ...paths[0],
    ...axes.map(({ name }) => name), ...sides.map(({ node }) => node),
  );
  const controls = { tabindex: 0, role: "application", "aria-label": "Lattice of a and b in latent space: arrow keys turn it", ...QUIET };
  const pad = make("div", { class: "vg-pad vx-pad", ...(flat ? { role: "img" } : controls) }, picture);
  const views = VIEWS.map(([words, axis, azimuth, elevation]) => button(words, `Look along ${axis}`, () => store.set({ azimuth, elevation })));
  const reset = () => store.set({ ...state.back }), back = button("Reset view", "Reset view", reset);
  const scores = state.scores.map(makeScore), caption = make("caption");
  const keys = [keyOf("vx-k0", "constant a"), keyOf("vx-k1", "constant b")];
  const signs = [make("span", {}, make("i", { class: "vg-sign vg-sign-run" }), "this run"), make("span", {}, make("i", { class: "vg-sign vg-sign-other" }), "other runs")];
  if (state.scores.some(({ reference }) => reference !== null)) signs.push(make("span", {}, make("i", { class: "vg-sign vg-sign-chance" }), state.chance));

  root.replaceChildren(make(
    "div", { class: "vx-all" }, run.node,
    make(
      "div", { class: "vg-row" },
      make(
        "div", {}, make("p", { class: "vx-legend" }, ...keys, ...(flat ? [] : [make("span", { class: "vg-hint" }, "Drag to turn.")])), pad,
        make("div", { class: "vx-bar vg-below" }, ...(flat ? [] : [make("span", { class: "vg-views", role: "group", "aria-label": "View" }, ...views, back)]), make("label", { class: "vx-tick" }, fit, "Fit each run")),
      ),
      make("div", {}, make("table", { class: "vg-scores" }, caption, make("tbody", {}, ...scores.map(({ node }) => node))), make("p", { class: "vx-legend" }, ...signs)),
    ),
    heard.node,
  ));

  function draw(k) {
    const [width, height] = [pad.clientWidth, pad.clientHeight];
    if (!width) return;
    const half = 0.42 * Math.min(width, height);
    const matrix = flat ? turned(0, 90) : turned(store.get("azimuth"), store.get("elevation"));
    const place = { matrix, x: width / 2, y: height / 2 }, view = { ...place, scale: half / (store.get("fit") ? runs[k].reach : state.reach) };
    give(picture, { viewBox: `0 0 ${width} ${height}` });
    grids[k].forEach((lines, kind) => lines.forEach((line, i) => give(paths[kind][i], { d: pathAlong(project(line, view)) })));
    for (const { ends, arm, name } of axes) {
      const seen = project(ends, { ...place, scale: half });
      give(arm, { d: pathAlong(seen) });
      putName(name, seen[3] + 0.06 * (seen[3] - view.x), seen[4] + 0.06 * (seen[4] - view.y), 10, view);
      name.toggleAttribute("hidden", Math.hypot(seen[3] - view.x, seen[4] - view.y) < 24); // it points at the eye
    }
    const points = sides.map(({ place }) => project(grids[k][0][Math.floor(place / shape[1])].slice(3 * (place % shape[1]), 3 * (place % shape[1]) + 3), view));
    sides.forEach(({ node }, s) => {
      const [x, y] = points[s], other = points[s ^ 1], away = Math.hypot(x - view.x, y - view.y) || 1;
      node.toggleAttribute("hidden", Math.hypot(x - other[0], y - other[1]) < 40); // no room between both
      putName(node, x + (26 * (x - view.x)) / away, y + (14 * (y - view.y)) / away, 26, view);
    });
  }

  function show() {
    const k = index(), { name } = runs[k];
    run.input.value = k;
    run.output.textContent = name;
    give(run.input, { "aria-valuetext": `${state.label} = ${name}` });
    fit.checked = store.get("fit");
    caption.textContent = `Scores at ${state.label} = ${name}, ${state.interval}`;
    const words = scores.map((score) => score.show(k));
    if (flat) give(pad, { "aria-label": `Lattice of a and b in latent space at ${state.label} = ${name}` });
    Object.assign(root.dataset, { run: name, azimuth: store.get("azimuth"), elevation: store.get("elevation") });
    draw(k);
    heard.say([`${state.label} = ${name}`, words.join(", ")].filter(Boolean).join(": "));
  }

  if (!flat) {
    dragged(pad, pad, (_, [right, down], press) => press || turnView(store, 0.5 * right, 0.5 * down));
    keyed(pad, (way, far) => turnView(store, ...way.map((v) => v * (far ? 15 : 5))), { Home: reset });
  }
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-gamma", label: "Gamma explorer", names: ["run", "azimuth", "elevation", "fit"], mount };
