// @ts-check
// The star explorer: a and b are the traits; ε is the view's own.

import { inBackground } from "./background.js";
import { sigmoid } from "./engine.js";
import { crossEntropy, divergence, overlap } from "./likelihood.js";
import { announcer, button, dragged, give, keyed, make, QUIET, slider } from "./nodes.js";
import { clamp, fixed, unquantise } from "./numbers.js";
import { makePlane } from "./polar_explorer.js";
import { normals, uniforms } from "./random.js";
import { drawStar } from "./star.js";

const DOTS = 600, REST = 250; // shown of the training stars; ms until the best code is searched
const round = (v, /** @type {number[]} */ [low, high]) => clamp(Math.round(100 * v) / 100, low, high);
const apart = (/** @type {number[]} */ p, /** @type {number[]} */ q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
const penOf = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

function mount(root, state, store) {
  const { sd, beta, threshold, center, radius, image: [side] } = state, noisy = sd !== 0, d = state.networks[1].dimension;
  const flat = unquantise(state.points), points = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  const plane = makePlane(state), heard = announcer(), place = make("p", { class: "vx-words" });
  const pad = make("div", {
    class: "vp-pad vx-pad", tabindex: 0, role: "application",
    "aria-label": "Plane of a and b: arrow keys move the star, with Shift further", ...QUIET,
  }, plane.node);
  const tiles = ["truth", "the model’s answer", "nearest training star", "the best code’s answer"].map((name) => {
    const canvas = make("canvas", { width: side, height: side, class: "vx-image", role: "img" });
    penOf(canvas);
    const value = make("p", { class: "vx-small" });
    return { name, canvas, value, node: make("div", { class: "vy-tile" }, make("p", { class: "vx-title" }, name), canvas, value) };
  });
  const [truth, answer, near, best] = tiles;
  const sliders = ["a", "b"].map((name) => ({ name, ...slider(name, { name, min: state[name][0], max: state[name][1], step: 0.01 }, (v) => store.set({ [name]: v })) }));
  const draw = button("Draw ε again", "Draw ε again", () => (normal(epsilon), ask()));
  const still = button("ε = 0", "Set ε to 0: z = μ", () => (epsilon.fill(0), ask()));
  const hole = button("Into the hole", "Put the star into the middle of the hole", () => store.set({ a: center[0], b: center[1] }));

  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make("div", { class: "vy-row" }, pad, make("div", { class: "vy-tiles" }, ...tiles.map(({ node }) => node))),
    make("div", { class: "vm-sliders" }, ...sliders.map(({ node }) => node)),
    make("div", { class: "vx-bar" }, hole, ...(noisy ? [draw, still] : [])), place, heard.node,
  ));

  const normal = normals(uniforms(1)), epsilon = new Float64Array(d), draft = make("canvas");
  penOf(draft);
  const greyOf = (canvas) => {
    const { data } = penOf(canvas).getImageData(0, 0, side, side);
    return Float32Array.from({ length: side * side }, (_, i) => data[4 * i] / 255);
  };
  function put(tile, /** @type {Float32Array} */ values) {
    const data = new Uint8ClampedArray(4 * values.length).fill(255);
    values.forEach((v, i) => data.fill(255 * v, 4 * i, 4 * i + 3));
    tile.canvas.getContext("2d").putImageData(new ImageData(data, side, side), 0, 0);
  }

  let form, number = 0, busy = false, waiting = false, alive = true, rest, words = "";
  const { send, close } = inBackground(([kind, of, found, ms]) => {
    if (!alive || of !== number) return;
    if (kind === "fitted") return fitted(found);
    busy = false;
    told(found, ms);
    if (waiting) ask();
  });
  send(["networks", state.networks]);

  function ask() {
    root.setAttribute("aria-busy", true);
    clearTimeout(rest);
    waiting = busy;
    if (busy) return;
    busy = true;
    form = greyOf(truth.canvas);
    send(["autoencode", ++number, form, epsilon, sd]);
  }

  const score = (values) => overlap(form, values, threshold);
  function told({ mean, sd: spread, code, logits }, ms) {
    const shown = logits.map(sigmoid), nats = crossEntropy(form, logits), iou = score(shown);
    put(answer, shown);
    const kl = noisy ? divergence(mean, spread) : 0;
    const total = noisy ? ` + β × KL ${fixed(beta * kl, 1)} = ${fixed(nats + beta * kl, 1)}` : "";
    answer.value.textContent = `IoU ${fixed(iou)}; ${fixed(nats, 1)}${total} nats`;
    give(answer.canvas, { "aria-label": `The model’s answer, IoU ${fixed(iou)}` });
    best.value.textContent = "searching …";
    words = `a ${fixed(store.get("a"))}, b ${fixed(store.get("b"))}. IoU with the truth: the model ${fixed(iou)}, the nearest training star ${near.value.textContent.slice(4, 8)}`;
    Object.assign(root.dataset, { mean: JSON.stringify([...mean]), code: JSON.stringify([...code]), ms: ms.toFixed(2) });
    if (!waiting) rest = setTimeout(() => send(["fit", number, form, mean, state.steps]), REST);
  }

  function fitted({ logits, nats }) {
    const shown = logits.map(sigmoid), iou = score(shown);
    put(best, shown);
    best.value.textContent = `IoU ${fixed(iou)}; ${fixed(nats, 1)} nats`;
    give(best.canvas, { "aria-label": `The best code’s answer, IoU ${fixed(iou)}` });
    root.dataset.best = nats.toFixed(3);
    root.setAttribute("aria-busy", false);
    heard.say(`${words}, the best code ${fixed(iou)}.`);
  }

  let latest = "";
  function show() {
    const p = /** @type {[number, number]} */ (["a", "b"].map(store.get)), away = apart(p, center), inside = away <= radius + 1e-9;
    for (const { name, input, output } of sliders) {
      input.value = store.get(name);
      output.textContent = fixed(store.get(name));
    }
    plane.movePoint(p);
    if (latest === p.join()) return;
    latest = p.join();
    drawStar(truth.canvas, side, state, p[0], p[1]);
    give(truth.canvas, { "aria-label": `The star of a = ${fixed(p[0])}, b = ${fixed(p[1])}` });
    const nearest = points.reduce((least, q) => (apart(q, p) < apart(least, p) ? q : least));
    drawStar(draft, side, state, nearest[0], nearest[1]);
    near.canvas.getContext("2d").drawImage(draft, 0, 0);
    form = greyOf(truth.canvas);
    near.value.textContent = `IoU ${fixed(score(greyOf(draft)))}; ${fixed(apart(nearest, p))} away`;
    give(near.canvas, { "aria-label": `The nearest training star, a = ${fixed(nearest[0])}, b = ${fixed(nearest[1])}` });
    place.textContent = inside
      ? `In the hole, ${fixed(away)} from its middle: no such star was ever trained on.`
      : `Outside the hole, ${fixed(away)} from its middle.`;
    ask();
  }

  const move = (/** @type {number[]} */ [a, b]) => store.set({ a: round(a, state.a), b: round(b, state.b) });
  dragged(pad, pad, (event) => move(plane.under(event)));
  keyed(pad, ([right, down], far) => {
    const step = far ? 0.1 : 0.02;
    move([store.get("a") + right * step, store.get("b") - down * step]);
  });
  plane.moveHole(radius, points.slice(0, DOTS));

  return { show, close: () => ((alive = false), clearTimeout(rest), close(), heard.close()) };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-star", label: "Star explorer", names: ["a", "b"], mount };
