// @ts-check
// The polar explorer: a, b and radius are the traits. The curves are drawn here, as
// Python's polar.draw draws them.

import { announcer, dragged, give, keyed, make, QUIET, slider, svg, text } from "./nodes.js";
import { clamp, fixed, unquantise } from "./numbers.js";
import { pathOf } from "./points.js";
import { drawStar } from "./star.js";

// ---- The geometry

const apart = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
const within = ([low, high], x) => clamp(Math.round(100 * x) / 100, low, high);
const EDGE = 1e-9; // so that 1.55 − 1.25 is not more than 0.3

// ---- Words

const count = (n) => n.toLocaleString("en");

function verdict(distance, radius, nearest) {
  const from = `the hole, ${fixed(distance)} from its centre`;
  const near = nearest < Infinity ? ` The nearest sample outside the hole is ${fixed(nearest)} away.` : "";
  if (distance <= radius + EDGE) return ["No", `It lies in ${from}: the model never sees it.${near}`];
  return ["Yes", `It lies outside ${from}.${near}`];
}

function shape(a, b) {
  if (b > a + EDGE) return `b > a: the radius goes negative, down to ${fixed(a - b)}. That draws five inner loops.`;
  if (b > a - EDGE) return "b = a: the radius just reaches 0. The petals meet in the middle.";
  if (b < EDGE) return `b = 0: the radius is ${fixed(a)} all around. A circle.`;
  return `b < a: the radius stays positive, from ${fixed(a - b)} to ${fixed(a + b)}. No inner loops.`;
}

// ---- The plane: a to the right, b upwards, a unit as long in both.

const UNIT = 160, SIDE = 34, HEAD = 10, FOOT = 38;

export function makePlane({ a: [a0, a1], b: [b0, b1], center, transects }) {
  const width = SIDE + UNIT * (a1 - a0) + 10, height = HEAD + UNIT * (b1 - b0) + FOOT;
  const x = (a) => SIDE + UNIT * (a - a0), y = (b) => HEAD + UNIT * (b1 - b);
  const at = (/** @type {number[]} */ [a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`;
  const ends = (p, q) => ({ x1: x(p[0]), y1: y(p[1]), x2: x(q[0]), y2: y(q[1]) });

  const loops = [[a0, a0], [a1, a1], [a1, b1], [a0, b1]].map(at).join();
  const marks = [
    ...[0.5, 1, 1.5, 2].map((a) => text(x(a), y(b0) + 16, a, { class: "vx-mid" })),
    ...[0, 0.5, 1, 1.5, 2].map((b) => text(x(a0) - 7, y(b) + 4, b, { class: "vx-end" })),
    text(x((a0 + a1) / 2), height - 5, "a", { class: "vx-letter vx-mid" }),
    text(9, y((b0 + b1) / 2) + 4, "b", { class: "vx-letter vx-mid" }),
  ];

  const lines = Object.entries(transects).flatMap(([name, [start, end]]) => {
    const back = 0.3 / apart(start, end); // where its name is
    const [px, py] = end.map((v, k) => v + back * (start[k] - v));
    return [
      svg("line", { class: "vp-transect", ...ends(start, end) }),
      text(x(px) + 5, y(py) - 5, name, { class: "vx-name" }),
    ];
  });

  const kept = svg("path", { class: "vp-kept" });
  const lost = svg("path", { class: "vp-lost" }), hollow = svg("path", { class: "vp-hollow" });
  const hole = svg("circle", { class: "vx-hole vp-hole", cx: x(center[0]), cy: y(center[1]) });
  const name = text(x(center[0]), 0, "hole", { class: "vx-name vx-red" });
  const dot = svg("g", { class: "vx-dot vp-dot" }, svg("circle", { r: 9 }), svg("circle", { r: 8 }));
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    svg("rect", { class: "vx-ground", x: x(a0), y: y(b1), width: UNIT * (a1 - a0), height: UNIT * (b1 - b0) }),
    svg("polygon", { class: "vp-loops", points: loops }),
    hole, kept, lost, hollow,
    svg("line", { class: "vp-equal", ...ends([a0, a0], [a1, a1]) }),
    ...["b > a:", "inner loops"].map((words, k) => text(x(a0) + 7, y(1.3) + 14 * k, words, { class: "vx-name vp-blue" })),
    ...lines, name, ...marks, dot,
  );

  const dots = (points) => points.map((p) => `M${at(p)}h.01`).join("");
  return {
    node,
    under(event) {
      const box = node.getBoundingClientRect(), scale = width / box.width;
      const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
      return [a0 + (px - SIDE) / UNIT, b1 - (py - HEAD) / UNIT];
    },
    movePoint: ([a, b]) => give(dot, { transform: `translate(${x(a)} ${y(b)})` }),
    moveHole(radius, points) {
      hole.setAttribute("r", UNIT * radius);
      give(name, { x: x(center[0] + 0.71 * radius) + 4, y: y(center[1] - 0.71 * radius) + 11 });
      const inside = (p) => apart(p, center) <= radius + EDGE;
      give(kept, { d: dots(points.filter((p) => !inside(p))) });
      for (const path of [lost, hollow]) give(path, { d: dots(points.filter(inside)) });
    },
  };
}

// ---- The radius over θ, with what is below zero in the colour of the loops.

function makeWave({ a: [a0, a1], b: [, b1], petals }) {
  const width = 340, height = 128, left = 26, wide = 304, up = 20;
  const x = (theta) => left + (wide * (theta / Math.PI + 1)) / 2, y = (r) => 8 + up * (a1 + b1 - r);
  const low = y(a0 - b1);
  const wave = svg("path", { class: "vp-wave" }), below = svg("path", { class: "vp-below" });
  const mean = svg("line", { class: "vp-transect", x1: left, x2: left + wide });
  const meanName = text(left + wide + 3, 0, "a", { class: "vx-letter" });
  const swing = svg("line", { class: "vp-swing", x1: x(0), x2: x(0) });
  const swingName = text(x(0) + 14, 0, "b", { class: "vx-letter" });
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height + 10}`, class: "vp-plot", role: "img" },
    svg("rect", { class: "vx-ground", x: left, y: 8, width: wide, height: low - 8 }),
    svg("svg", { x: 0, y: y(0), width, height: low - y(0) }, svg("g", { transform: `translate(0 ${-y(0)})` }, below)),
    svg("line", { class: "vx-zero", x1: left, x2: left + wide, y1: y(0), y2: y(0) }),
    mean, meanName, swing, swingName, wave,
    ...[0, 2, 4].map((r) => text(left - 6, y(r) + 4, r, { class: "vx-end" })),
    text(left, low + 15, "θ = −π"), text(x(0), low + 15, "0", { class: "vx-mid" }), text(left + wide, low + 15, "π", { class: "vx-end" }),
  );
  return {
    node,
    draw(a, b) {
      const thetas = Array.from({ length: 201 }, (_, k) => Math.PI * (k / 100 - 1));
      const d = pathOf(thetas.map((theta) => [x(theta), y(b * Math.cos(petals * theta) + a)]));
      give(wave, { d });
      give(below, { d: `${d}L${x(Math.PI)} ${y(0)}L${x(-Math.PI)} ${y(0)}Z` });
      give(mean, { y1: y(a), y2: y(a) });
      give(meanName, { y: y(a) + 4 });
      give(swing, { y1: y(a), y2: y(a + b) });
      give(swingName, { y: y(a + b / 2) + 4, visibility: b < 0.5 ? "hidden" : "visible" });
      give(node, { "aria-label": `The radius over θ, from ${fixed(a - b)} to ${fixed(a + b)}` });
    },
  };
}

// ---- The explorer. `store` holds a, b and radius.

function mount(root, state, store) {
  const flat = state.points ? unquantise(state.points) : [];
  const points = Array.from({ length: flat.length / 2 }, (_, i) => flat.slice(2 * i, 2 * i + 2));
  const shown = points.slice(0, state.dots);
  const plane = makePlane(state), wave = makeWave(state);

  const pad = make("div", {
    class: "vp-pad vx-pad", tabindex: 0, role: "application",
    "aria-label": "Plane of a and b: arrow keys move the point, with Shift further", ...QUIET,
  }, plane.node);
  const image = make("canvas", { class: "vx-image vp-image", role: "img" });
  const answer = make("strong"), reason = make("span"), loops = make("p");
  const share = make("p", { class: "vx-small" });
  const heard = announcer();

  const sliders = [["a", "a (size)"], ["b", "b (petals)"], ["radius", "hole radius"]].map(([name, words]) => {
    const [min, max] = state[name];
    return { name, ...slider(words, { name, min, max, step: 0.01 }, (value) => store.set({ [name]: value })) };
  });

  const dots = `Dots: ${count(shown.length)} of ${count(points.length)} sampled points; what the hole removes is hollow.`;
  root.replaceChildren(make(
    "div", { class: "vp-all" },
    make("div", { class: "vp-left" }, pad, make("p", { class: "vx-small" }, `Drag the point. ${points.length ? dots : ""}`)),
    make(
      "div", { class: "vp-right" },
      make("div", { class: "vp-look" }, image, make(
        "div", { class: "vp-words" },
        make("p", { class: "vp-question" }, "Would this image be in the punctured training set?"),
        make("p", {}, answer, " ", reason), loops,
      )),
      make("p", { class: "vx-title" }, `r = b cos ${state.petals}θ + a, blue where negative`), wave.node,
    ),
    make("div", { class: "vp-sliders" }, ...sliders.map(({ node }) => node), share), heard.node,
  ));

  let holed, remaining = points;
  const star = () => drawStar(image, Math.round(image.clientWidth * devicePixelRatio), state, store.get("a"), store.get("b"));
  function show() {
    const [a, b, radius] = ["a", "b", "radius"].map(store.get);
    for (const { name, input, output } of sliders) {
      input.value = store.get(name);
      output.textContent = fixed(store.get(name));
    }
    if (radius !== holed) {
      holed = radius;
      plane.moveHole(radius, shown);
      remaining = points.filter((p) => apart(p, state.center) > radius + EDGE);
      const part = (Math.PI * radius ** 2) / 3; // of a plane of 1.5 × 2
      const area = `πr²/3 = ${(100 * part).toFixed(1)} %`;
      share.textContent = points.length
        ? `${count(points.length - remaining.length)} of ${count(points.length)} points lie in it. Its share of the plane, ${area}, predicts ${count(Math.round(part * points.length))}.`
        : `Its share of the plane is ${area}.`;
    }
    plane.movePoint([a, b]);
    star();
    wave.draw(a, b);
    const nearest = remaining.reduce((least, p) => Math.min(least, apart(p, [a, b])), Infinity);
    const [yes, why] = verdict(apart([a, b], state.center), radius, nearest);
    answer.textContent = yes;
    answer.className = `vx-answer ${yes === "No" ? "vx-no" : ""}`;
    reason.textContent = why;
    loops.textContent = shape(a, b);
    image.setAttribute("aria-label", `The star of a = ${fixed(a)}, b = ${fixed(b)}, white on black`);
    heard.say(`a ${fixed(a)}, b ${fixed(b)}. ${yes}. ${why} ${loops.textContent}`);
  }

  const move = (/** @type {number[]} */ [a, b]) => store.set({ a: within(state.a, a), b: within(state.b, b) });
  dragged(pad, pad, (event) => move(plane.under(event)));
  keyed(pad, ([right, down], far) => {
    const step = far ? 0.1 : 0.02;
    move([store.get("a") + right * step, store.get("b") - down * step]);
  });
  return { show, close: heard.close, resize: star, sized: [image] };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-polar", label: "Polar explorer", names: ["a", "b", "radius"], mount };
