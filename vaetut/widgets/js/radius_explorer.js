// @ts-check
// The radius explorer: shape, radius and side are the traits.

import { keyOf, makeChart } from "./chart.js";
import { decoderOf, makeFrames } from "./decoding.js";
import { announcer, chooser, give, make, svg } from "./nodes.js";
import { clamp, fixed, unpack } from "./numbers.js";
import { makeFaces, outline } from "./pictures.js";

const SHAPES = { sphere: "on a sphere of radius r", cube: "uniform in the cube from −r to r" };
const TRAITS = { sphere: "radius", cube: "side" };

// The share of a model's codes that are shorter, by their lengths at 0 to 100 percent.
function shorter(percents, length) {
  const k = percents.findIndex((v) => v >= length);
  if (k < 0) return 1;
  return k ? (k - 1 + (length - percents[k - 1]) / (percents[k] - percents[k - 1])) / 100 : 0;
}

function said(share) {
  if (share < 0.005) return share > 0 ? "under 1 %" : "none";
  if (share > 0.995) return share < 1 ? "over 99 %" : "all";
  return `${Math.round(100 * share)} %`;
}

function mount(root, state, store, model) {
  const { models, faces: n, steps, reach, hills } = state, size = state.image.slice(0, 2);
  const points = Object.fromEntries(Object.entries(state.points).map(([name, packed]) => [name, unpack(packed)]));
  const d = points.sphere.length / n;
  const rms = (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / n); // the lengths'
  const unit = Object.fromEntries(Object.entries(points).map(([name, values]) => [name, rms(values)]));
  const stepOf = (shape) => reach[shape] / steps, now = () => store.get(TRAITS[store.get("shape")]);
  const round = (r, shape) => clamp(Number((Math.round(r / stepOf(shape)) * stepOf(shape)).toPrecision(6)), 0, reach[shape]);

  // The other shape begins with codes as long as these.
  const shape = chooser("Random codes", Object.values(SHAPES), (words) => {
    const to = Object.keys(SHAPES).find((name) => SHAPES[name] === words), length = now() * unit[store.get("shape")];
    store.set({ shape: to, [TRAITS[to]]: round(length / unit[to], to) });
  });
  const go = (k) => store.set({ [TRAITS[store.get("shape")]]: round(k * stepOf(store.get("shape")), store.get("shape")) });
  const chart = makeChart("r", steps, go), heard = announcer(), place = make("p", { class: "vx-words" });
  const rows = models.map((name, k) => {
    const { faces, node } = makeFaces(n, size, 192, { "data-model": name });
    return { name, faces, row: node, node: make("div", {}, make("p", { class: `vx-title vx-k${k}` }, keyOf(`vx-k${k}`, name)), node) };
  });
  const frames = makeFrames(root, decoderOf(model, state), (images, { shape, r }) => rows.forEach(({ name, faces, row }, k) => {
    faces.forEach((face, i) => face.put(images[k * n + i]));
    give(row, { "aria-label": `${n} faces that ${name} decodes of random codes ${SHAPES[shape]} = ${fixed(r)}` });
  }));
  const known = hills.filter(Boolean).length;

  root.replaceChildren(make(
    "div", { class: "vx-all" }, make("div", { class: "vx-bar" }, shape.node, frames.status),
    make("div", { class: "vu-models" }, ...rows.map(({ node }) => node)), place,
    make("p", { class: "vx-title" }, known ? `Behind r: how long the codes of real images are${known > 1 ? ", both hills drawn equally high" : ""}` : "r"), chart.node, heard.node,
  ));

  // Histograms where codes of their length lie on this shape's axis.
  function shells(kind, x, y) {
    const high = (share) => y(0.92 * share), across = (bin) => x(steps * Math.min(1, (bin * state.bin) / unit[kind] / reach[kind]));
    return hills.flatMap((hill, k) => (hill ? [svg("path", { class: `vi-hill vx-k${k}`, d: outline(hill.counts, across, high) })] : []));
  }

  function show() {
    const kind = store.get("shape"), r = now(), length = r * unit[kind];
    const shares = models.flatMap((name, k) => (hills[k] ? [`${name} ${said(shorter(hills[k].percents, length))}`] : [])).join(", ");
    const words = `r = ${fixed(r)}${kind === "cube" ? `, codes about ${fixed(length, 1)} long` : ""}`;
    const all = `${words}.${shares && ` Codes of real images that are shorter: ${shares}.`}`;
    shape.select.value = SHAPES[kind];
    chart.draw({
      curves: [], scale: { ticks: [], bottom: 0, top: 1, digits: 0 }, top: 60, under: (x, y) => shells(kind, x, y),
      marks: [0, 1, 2, 3, 4].map((k) => [(k * steps) / 4, String(Number(((k * reach[kind]) / 4).toPrecision(4)))]), letter: "r",
      label: `Random codes ${SHAPES[kind]}: ${all}`,
    }, r / stepOf(kind));
    give(chart.input, { "aria-valuetext": words });
    place.textContent = all;
    Object.assign(root.dataset, { shape: kind, r });
    frames.ask({ shape: kind, r }, () => models.flatMap((_, k) => Array.from({ length: n }, (_, i) => [k, points[kind].slice(i * d, (i + 1) * d).map((v) => r * v)])));
    heard.say(place.textContent);
  }
  return { show, close: () => (heard.close(), frames.close()) };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-radius", label: "Radius explorer", names: ["shape", "radius", "side"], mount };
