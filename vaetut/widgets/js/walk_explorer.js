// @ts-check
// The walk explorer: pair and index are the traits. The images of each way, and the
// truth, come as one strip a kind, point 0 at the top.

import { keyOf, makeChart } from "./chart.js";
import { announcer, chooser, crisp, dragged, drawStrip, give, loadStrip, make, svg, text, whenDecoded } from "./nodes.js";
import { fixed, makeScale, minus } from "./numbers.js";
import { MARKS, pathOf } from "./points.js";

const HIGH = 300, LEFTOVER = 26, FOOT = 32;
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

// ---- The plane of (a, b): what was intended, and what was drawn

function makeMap({ ranges: [[a0, a1], [b0, b1]], ways }, act, focus) {
  const unit = HIGH / Math.max(a1 - a0, b1 - b0);
  const width = LEFTOVER + unit * (a1 - a0) + 10, height = 10 + unit * (b1 - b0) + FOOT;
  const at = (/** @type {number[]} */ [a, b]) => [LEFTOVER + unit * (a - a0), 10 + unit * (b1 - b)];
  const [[left, low], [right, high]] = [at([a0, b0]), at([a1, b1])], number = (v) => minus(String(Number(v.toPrecision(3))));
  const meant = svg("path", { class: "vw-meant" }), aim = svg("path", { class: "vw-aim", d: "M-6 0H6M0-6V6" });
  const lines = ways.map((_, k) => svg("path", { class: `vx-curve vw-line vx-k${k}` }));
  const spots = ways.map((_, k) => svg("path", { class: `vw-spot vx-k${k}`, d: MARKS[k] }));
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height}`, class: "vw-map vx-pad", role: "img" },
    svg("rect", { class: "vx-ground", x: left, y: high, width: right - left, height: low - high }),
    ...[a0, (a0 + a1) / 2, a1].map((a) => text(at([a, b0])[0], low + 14, number(a), { class: "vx-mid" })),
    ...[b0, (b0 + b1) / 2, b1].map((b) => text(left - 6, at([a0, b])[1] + 4, number(b), { class: "vx-end" })),
    text((left + right) / 2, height - 4, "a", { class: "vx-letter vx-mid" }), text(left - 18, (low + high) / 2 - 14, "b", { class: "vx-letter vx-mid" }),
    meant, ...lines, aim, ...spots,
  );
  let points = [];
  dragged(node, focus, (event) => { // to what was intended nearest to the pointer
    const to = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
    const off = points.map(([x, y]) => Math.hypot(x - to.x, y - to.y));
    act(off.indexOf(Math.min(...off)));
  });
  const move = (mark, /** @type {number[]} */ [x, y]) => give(mark, { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
  return {
    node,
    draw({ intended, factors }, i) {
      points = intended.map(at);
      give(meant, { d: pathOf(points) });
      move(aim, points[i]);
      factors.forEach((way, k) => {
        give(lines[k], { d: pathOf(way.map(at)) });
        move(spots[k], at(way[i]));
      });
    },
  };
}

// ---- The explorer

function mount(root, state, store) {
  const { ways, pairs, points, image: [height, width] } = state;
  const strips = new Map(pairs.map(({ name, strips, truth }) => [name, [truth, ...strips].map(loadStrip)]));
  const go = (index) => store.set({ index }), pair = chooser("From one star to another", pairs.map(({ name }) => name), (name) => store.set({ pair: name }));
  const chart = makeChart("Step of the walk", points - 1, go), heard = announcer();
  const map = makeMap(state, go, chart.input);

  const tiles = ways.map((way, k) => {
    const [made, truth] = [0, 1].map((row) => make("canvas", { width, height, role: "img", class: "vx-image", "data-way": row ? "truth" : way }));
    const value = make("p", { class: `vx-small vw-error vx-k${k}` });
    const node = make("div", { class: "vw-tile" }, make("p", { class: `vx-title vx-k${k}` }, keyOf(`vx-k${k}`, way)), made, value, truth, make("p", { class: "vx-small" }, "truth"));
    return { node, made, truth, value };
  });
  const place = make("p", { class: "vx-words" });
  root.replaceChildren(make(
    "div", { class: "vx-all" }, make("div", { class: "vx-bar" }, pair.node),
    make(
      "div", { class: "vw-row" },
      make("div", { class: "vw-where" }, make("p", { class: "vx-title" }, "Where the decoded stars are"), map.node, make("p", { class: "vx-legend" }, keyOf("vx-k3", "what is meant"))),
      make("div", { class: "vw-tiles" }, ...tiles.map(({ node }) => node)),
    ),
    place,
    make("p", { class: "vx-title" }, `${capital(state.error)} along the walk`), chart.node, heard.node,
  ));
  root.style.setProperty("--ways", ways.length);

  function show() {
    const here = pairs.find(({ name }) => name === store.get("pair")), i = store.get("index");
    const { errors, intended, factors } = here, [a, b] = intended[i].map((v) => fixed(v));
    const curves = errors.map((values, k) => ({ kind: `vx-k${k}`, values })), scale = makeScale(errors.flat());
    pair.select.value = here.name;
    map.draw(here, i);
    give(map.node, { "aria-label": `Plane of a and b: meant is a = ${a}, b = ${b}; ${ways.map((way, k) => `${way} draws a = ${fixed(factors[k][i][0])}, b = ${fixed(factors[k][i][1])}`).join("; ")}` });
    chart.draw({ curves, scale, marks: [[0, "start"], [points - 1, "end"]], label: `${state.error} along each walk, ${here.name}` }, i);
    give(chart.input, { "aria-valuetext": `step ${i + 1} of ${points}` });
    tiles.forEach(({ made, truth, value }, k) => {
      const words = fixed(errors[k][i], scale.digits);
      value.replaceChildren(`${state.error} `, make("strong", {}, words));
      give(made, { "aria-label": `Image decoded ${ways[k]}, ${state.error} ${words}` });
      give(truth, { "aria-label": `The star of a = ${a}, b = ${b}` });
      for (const [canvas, strip] of [[made, k + 1], [truth, 0]]) {
        crisp(canvas);
        drawStrip(canvas, strips.get(here.name)[strip], i);
      }
    });
    const values = ways.map((way, k) => `${way} ${fixed(errors[k][i], scale.digits)}`).join(", ");
    place.textContent = `Step ${i + 1} of ${points}: meant is a = ${a}, b = ${b}. ${capital(state.error)}: ${values}.`;
    heard.say(`${here.name}, ${place.textContent}`);
  }
  whenDecoded(root, [...strips.values()].flat(), show);
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-walk", label: "Walk explorer", names: ["pair", "index"], mount };
