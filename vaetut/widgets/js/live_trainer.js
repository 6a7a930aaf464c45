// @ts-check
// The live trainer: beta, gamma, learned, units, hole and seed are the traits. Whenever one
// changes, a VAE of stars is trained anew, in the background.

import { inBackground } from "./background.js";
import { keyOf } from "./chart.js";
import { announcer, button, chooser, dragged, give, keyed, make, QUIET, slider, svg, text } from "./nodes.js";
import { clamp, fixed, minus, summed, unquantise } from "./numbers.js";
import { pathAlong, pathOf, project, turned } from "./points.js";
import { normals, uniforms } from "./random.js";
import { gapShare, judge, wordsFor } from "./verdict.js";

const SIDE = 320, DOTS = 500, NA = 7, NB = 9, RIM = 32, DRAWS = 5, TRIES = 400;
const EVERY = 40, WAIT = 20; // steps between two looks, and milliseconds: four seconds in all
const TRAITS = ["beta", "gamma", "learned", "units", "hole", "seed"];

const between = ([low, high], k, n) => low + ((high - low) * k) / (n - 1);

// ---- A star as it is drawn from its radii

function makeStar(width, limit) {
  const truth = svg("path", { class: "vm-truth" }), made = svg("path", { class: "vm-made" });
  const at = (r, k) => {
    const angle = (2 * Math.PI * k) / width;
    return [40 + (38 / limit) * r * Math.cos(angle), 40 - (38 / limit) * r * Math.sin(angle)];
  };
  const outline = (/** @type {number[]} */ radii) => `${pathOf(radii.map(at))}Z`;
  return {
    node: svg("svg", { viewBox: "0 0 80 80", class: "vm-star", "aria-hidden": "true" }, truth, made),
    show(radii, of = null) {
      give(made, { d: outline(radii) });
      if (of) give(truth, { d: outline(of) });
    },
  };
}

// ---- The plane of codes

function makePlane(toTurn) {
  const half = SIDE / 2, rings = [1, 2].map(() => svg("circle", { class: "vm-ring", cx: half, cy: half }));
  const dots = svg("path", { class: "vm-dots" }), rim = svg("path", { class: "vm-rim" });
  const lines = [NA, NB].map((n, kind) => Array.from({ length: n }, () => svg("path", { class: `vm-line vx-k${kind}` })));
  const axes = [0, 1, 2].map((k) => ({ arm: svg("path", { class: "vm-arm" }), name: text(0, 0, `z${"₁₂₃"[k]}`, { class: "vx-name vx-mid" }) }));
  const scale = text(SIDE - 8, SIDE - 8, "", { class: "vx-end" });
  const picture = svg(
    "svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "vm-picture", "aria-hidden": "true" },
    svg("rect", { class: "vx-ground", x: 0.5, y: 0.5, width: SIDE - 1, height: SIDE - 1, rx: 5 }),
    ...rings, ...axes.map(({ arm }) => arm), dots, ...lines.flat(), rim, ...axes.map(({ name }) => name), scale,
  );
  const node = make("div", { class: "vm-pad vx-pad", tabindex: 0, role: "application", ...QUIET }, picture);
  let azimuth = -25, elevation = 25;
  const turn = (right, down) => {
    azimuth += right, elevation = clamp(elevation + down, -90, 90);
    toTurn();
  };
  dragged(node, node, (_, [right, down], press) => press || turn(0.5 * right, 0.5 * down));
  keyed(node, (way, far) => turn(...way.map((v) => v * (far ? 15 : 5))));

  return {
    node,
    /** `codes` are of the dots, of the lattice row by row, and of the hole's rim. */
    draw(codes, units, count, hole) {
      const n = codes.length / units, flat = units === 2;
      const points = Float32Array.from({ length: 3 * n }, (_, i) => (i % 3 < units ? codes[Math.floor(i / 3) * units + (i % 3)] : 0));
      const far = Math.max(2.2, ...points.slice(0, 3 * count).map(Math.abs)) * 1.08, reach = Number.isFinite(far) ? far : 2.4;
      const view = { matrix: flat ? turned(0, 90) : turned(azimuth, elevation), scale: (SIDE / 2 - 16) / reach, x: SIDE / 2, y: SIDE / 2 };
      const seen = project(points, view), place = (i) => `${seen[3 * i].toFixed(1)} ${seen[3 * i + 1].toFixed(1)}`;
      give(dots, { d: Array.from({ length: count }, (_, i) => `M${place(i)}h.01`).join("") });
      const line = (kind, i) => Array.from({ length: kind ? NA : NB }, (_, j) => count + (kind ? j * NB + i : i * NB + j));
      lines.forEach((own, kind) => own.forEach((path, i) => give(path, { d: line(kind, i).map((k, j) => `${j ? "L" : "M"}${place(k)}`).join("") })));
      const first = count + NA * NB;
      give(rim, { d: `${Array.from({ length: RIM }, (_, i) => `${i ? "L" : "M"}${place(first + i)}`).join("")}Z`, visibility: hole ? "visible" : "hidden" });
      rings.forEach((ring, k) => give(ring, { r: (k + 1) * view.scale, visibility: flat ? "visible" : "hidden" }));
      axes.forEach(({ arm, name }, k) => {
        const ends = Float32Array.from([-1, 1].flatMap((sign) => [0, 1, 2].map((c) => (c === k ? sign * reach : 0)))), at = project(ends, view);
        for (const part of [arm, name]) give(part, { visibility: k < units ? "visible" : "hidden" });
        give(arm, { d: pathAlong(at) });
        give(name, { x: clamp(at[3] - (k === 0 ? 4 : -12), 12, SIDE - 12), y: clamp(at[4] + (k === 0 ? -8 : 6), 14, SIDE - 20) });
      });
      scale.textContent = flat ? `rings: 1 and 2; edge: ${fixed(reach, reach < 10 ? 1 : 0)}` : `edge: ${fixed(reach, 1)}`;
    },
    label(words) {
      give(node, { "aria-label": words });
    },
  };
}

// ---- The trainer

function mount(root, state, store) {
  const { settings, sd, petals, middle, spread, center, radius, ranges, examples } = state, { width, steps } = settings;
  const flat = unquantise(state.points), all = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  const outside = (/** @type {number[]} */ [a, b]) => Math.hypot(a - center[0], b - center[1]) > radius;
  const radii = (/** @type {number[]} */ [a, b]) => Array.from({ length: width }, (_, k) => a + b * Math.cos((petals * 2 * Math.PI * k) / width));
  const rowsOf = (points) => Float64Array.from(points.flatMap(radii), (r) => (r - middle) / spread);
  const lattice = Array.from({ length: NA * NB }, (_, i) => [between(ranges[0], Math.floor(i / NB), NA), between(ranges[1], i % NB, NB)]);
  const rim = Array.from({ length: RIM }, (_, i) => [0, 1].map((k) => center[k] + radius * Math.cos((2 * Math.PI * i) / RIM - (k * Math.PI) / 2)));
  const limit = ranges[0][1] + ranges[1][1], calm = matchMedia("(prefers-reduced-motion: reduce)");

  const stops = (words, name, values) => slider(words, { name, min: 0, max: values.length - 1 }, (k) => store.set({ [name]: values[k] }));
  const beta = stops("β", "beta", state.betas), gamma = stops("γ", "gamma", state.gammas);
  const tick = (words, name) => {
    const input = make("input", { type: "checkbox", name, ...QUIET });
    input.addEventListener("change", () => store.set({ [name]: input.checked }));
    return { input, node: make("label", { class: "vx-tick" }, input, words) };
  };
  const learned = tick("σ learned", "learned"), hole = tick("hole in the training stars", "hole");
  const units = chooser("Units of the code", ["2", "3"], (value) => store.set({ units: Number(value) }));
  const again = button("Train again", "Train again, from the same weights", () => begin(true));
  const other = button("Another seed", "Train again, from other weights", () => store.set({ seed: (store.get("seed") + 1) % 10000 }));
  const step = make("span", { class: "vx-words vm-step" }), words = make("p", { class: "vx-words vm-verdict" }), heard = announcer();

  const plane = makePlane(() => told && draw());
  const row = (words, n) => {
    const stars = Array.from({ length: n }, () => makeStar(width, limit));
    const node = make("div", { class: "vm-stars", role: "img" }, ...stars.map(({ node }) => node));
    return { stars, row: node, node: make("div", {}, make("p", { class: "vx-title" }, ...words), node) };
  };
  const pairs = row([keyOf("vx-k3", "five stars"), " and ", keyOf("vx-k0", "what their codes are decoded to")], examples.length);
  const drawn = row(["decoded from five codes of N(0, I)"], DRAWS);
  const parts = ["reconstruction", "β × KL", "γ × mean |μᵢ μⱼ|", "loss"].map((name) => ({ name, cells: [make("td"), make("td")] }));
  const table = make(
    "table", { class: "vm-loss" }, make("caption", {}, "The loss, in nats a star"),
    make("tbody", {}, ...parts.map(({ name, cells }) => make("tr", {}, make("th", { scope: "row" }, name), ...cells))),
  );

  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make("div", { class: "vm-sliders" }, beta.node, gamma.node),
    make("div", { class: "vx-bar" }, learned.node, hole.node, units.node),
    make("div", { class: "vx-bar" }, again, other, step),
    make(
      "div", { class: "vm-row" },
      make("div", {}, make("p", { class: "vx-legend" }, make("span", {}, "codes μ of stars"), keyOf("vx-k0", "constant a"), keyOf("vx-k1", "constant b")), plane.node),
      make("div", { class: "vm-right" }, pairs.node, drawn.node, table),
    ),
    words, heard.node,
  ));

  let told = null, now = null, number = 0, latest = "", stars = [], alive = true;
  const { send, close } = inBackground(([, of, what]) => {
    if (!alive || of !== number) return;
    told = what;
    draw();
    if (what.ended) finish();
  });

  function begin(animated) {
    now = Object.fromEntries(TRAITS.map((name) => [name, store.get(name)]));
    stars = now.hole ? all.filter(outside) : all;
    const shown = [...all.slice(0, DOTS).filter((p) => !now.hole || outside(p))];
    now.count = shown.length;
    const { beta, gamma, units, seed } = now, normal = normals(uniforms(2));
    now.samples = normal(new Float64Array(TRIES * units));
    const recipe = { ...settings, rows: rowsOf(stars), beta, gamma, units, seed, sd: now.learned ? null : sd };
    const look = {
      every: EVERY, wait: animated ? WAIT : 0, all: animated && !calm.matches,
      rows: rowsOf([...shown, ...lattice, ...rim, ...examples]), again: examples.length, codes: now.samples.slice(0, DRAWS * units),
    };
    root.setAttribute("aria-busy", true);
    step.textContent = "training …";
    send(["train", ++number, recipe, look]);
    now.factors = shown;
  }

  function draw() {
    const { mean, done, terms } = told, { units, count, beta, gamma } = now;
    plane.draw(mean, units, count, now.hole);
    const of = (values, k) => Array.from(values.slice(k * width, (k + 1) * width), (v) => spread * v + middle);
    pairs.stars.forEach((star, k) => star.show(of(told.again, k), radii(examples[k])));
    drawn.stars.forEach((star, k) => star.show(of(told.decoded, k)));
    step.textContent = `step ${done.toLocaleString("en")} of ${steps.toLocaleString("en")}, seed ${now.seed}`;
    const values = [terms.reconstruction, beta * terms.kl, gamma * terms.entanglement];
    const shown = values.every(Number.isFinite) ? summed([...values, values[0] + values[1] + values[2]]) : [...values, NaN].map(String);
    const sources = ["", `${minus(String(beta))} × ${fixed(terms.kl)}`, `${minus(String(gamma))} × ${fixed(terms.entanglement)}`, "="];
    parts.forEach(({ cells: [how, sum] }, k) => ((how.textContent = sources[k]), (sum.textContent = shown[k])));
  }

  function finish() {
    const { units, count } = now, mean = told.mean.slice(0, count * units), normal = normals(uniforms(3));
    const noise = normal(new Float64Array(count * units)), codes = mean.map((v, i) => v + Math.exp(0.5 * told.logVar[i]) * noise[i]);
    const found = { ...judge(mean, units, now.factors, state.asleep), far: told.far, done: told.done, gaps: told.far ? 1 : gapShare(codes, now.samples, units) };
    const said = wordsFor(found, now);
    words.replaceChildren(make("strong", {}, said[0]), ` ${said.slice(1).join(" ")}`);
    plane.label(`Codes of ${count} stars, with lines of constant a and constant b. ${said[0]}${units === 3 ? " Arrow keys turn them." : ""}`);
    give(pairs.row, { "aria-label": `${examples.length} stars, and what their codes are decoded to` });
    give(drawn.row, { "aria-label": `${DRAWS} stars decoded from codes drawn from N(0, I)` });
    Object.assign(root.dataset, { done: told.done, found: JSON.stringify(found), ms: told.ms.toFixed(0) });
    root.setAttribute("aria-busy", false);
    heard.say(`β ${state.betas[beta.input.value]}, γ ${minus(String(now.gamma))}: ${said.join(" ")}`);
  }

  function show() {
    const at = { beta: state.betas.indexOf(store.get("beta")), gamma: state.gammas.indexOf(store.get("gamma")) };
    for (const [name, { input, output }] of Object.entries({ beta, gamma })) {
      const value = minus(String(store.get(name)));
      input.value = at[name];
      output.textContent = value;
      give(input, { "aria-valuetext": `${name === "beta" ? "β" : "γ"} = ${value}` });
    }
    learned.input.checked = store.get("learned");
    hole.input.checked = store.get("hole");
    units.select.value = String(store.get("units"));
    const key = JSON.stringify(TRAITS.map(store.get));
    if (key === latest) return;
    const first = !latest;
    latest = key;
    begin(!first);
  }

  return {
    show,
    close() {
      alive = false;
      send(["stop"]);
      close();
      heard.close();
    },
  };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-live", label: "Live trainer", names: TRAITS, mount };
