// @ts-check
// The parameter ledger: side, layers, dimensions, extra and batch are the traits.

import { announcer, button, give, make, slider } from "./nodes.js";
import { clamp, fixed } from "./numbers.js";

const MILLION = 1e6, COPIES = 4, BYTES = 4;
const sum = (values) => values.reduce((p, q) => p + q, 0);
const three = (v) => fixed(v, clamp(2 - Math.floor(Math.log10(v || 1)), 0, 2));
const percent = (part, whole) => `${part < 0.005 * whole ? "under 1" : fixed((100 * part) / whole, 0)} %`;

// Parameters, multiplications and floats kept of an image, part by part.
/** @param {any} state @param {any} here */
function account({ filters, channels, kernel }, { side, layers, dimensions, extra }) {
  const maps = [channels, ...filters.slice(0, layers)], at = (k) => (side >> k) ** 2;
  const flat = at(layers) * maps[layers], width = extra || flat, down = [0, 0, channels * at(0)], up = [0, 0, 0];
  for (let k = 0; k < layers; k++) {
    const [from, to] = [maps[k], maps[k + 1]], weights = kernel ** 2 * from * to, macs = weights * at(k + 1);
    [weights + 5 * to, macs, 3 * to * at(k + 1)].forEach((v, i) => (down[i] += v));
    [weights + (k ? 5 : 1) * from, macs, (k ? 3 : 1) * from * at(k)].forEach((v, i) => (up[i] += v));
  }
  return [
    down, [(flat + 1) * extra, flat * extra, 2 * extra], [2 * (width + 1) * dimensions, 2 * width * dimensions, 3 * dimensions],
    [(dimensions + 1) * flat, dimensions * flat, flat], up,
  ];
}

// A bar of parts to a scale, with marks above it.
function makeBar(words) {
  const title = make("p", { class: "vx-title" }), bar = make("div", { class: "vq-bar", "aria-hidden": "true" }), marks = make("div", { class: "vq-marks", "aria-hidden": "true" });
  const node = make("div", { class: "vq-row" }, title, marks, bar);
  return {
    node,
    draw(parts, most, total, published = []) {
      title.replaceChildren(`${words()}: `, make("strong", {}, total));
      bar.replaceChildren(...parts.filter(({ value }) => value).map(({ kind, value }) => make("span", { class: `vq-part ${kind}`, style: `width: ${(100 * value) / most}%` })));
      marks.hidden = !published.length;
      marks.replaceChildren(...published.map((v) => make("span", { class: "vq-mark", style: `left: ${(100 * v * MILLION) / most}%` }, v)));
    },
  };
}

function mount(root, state, store) {
  const { stops, parts, published } = state, names = Object.keys(stops), heard = announcer();
  const words = { side: "Image side", layers: "Convolutions", dimensions: "Dimensions of z", extra: "Extra Dense units", batch: "Batch" };
  const sliders = names.map((name) => slider(words[name], { min: 0, max: stops[name].length - 1, name }, (k) => store.set({ [name]: stops[name][k] })));
  const buttons = published.map(({ name, set, encoder }) => button(`${name}: ${encoder} M`, `As published: ${name}, encoder ${encoder} million`, () => store.set({ ...set, batch: store.get("batch") })));
  const rows = [() => "Encoder, parameters", () => "Decoder, parameters", () => "Multiplications an image", () => `Memory of a training step, batch of ${store.get("batch")}`].map(makeBar);
  const cells = parts.map(() => [0, 1, 2].map(() => make("td"))), kept = make("td"), totals = [0, 1, 2].map(() => make("td"));
  const row = (kind, name, ...columns) => make("tr", {}, make("th", { scope: "row" }, make("span", { class: `vq-key ${kind}` }), name), ...columns);
  const heading = ["Parameters, M", "Multiplications, M", "Memory, MB"].map((name) => make("th", { scope: "col" }, name));
  const table = make(
    "table", { class: "vq-table" }, make("thead", {}, make("tr", {}, make("td"), ...heading)),
    make(
      "tbody", {}, ...parts.map(({ name, kind }, k) => row(`vx-k${kind}`, name, ...cells[k])),
      row("vq-kept", "kept of the images", make("td"), make("td"), kept), row("vq-none", "total", ...totals),
    ),
  );
  table.tBodies[0].lastChild.className = "vq-total";
  const verdict = make("p", { class: "vx-words" });
  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make("div", { class: "vx-bar", role: "group", "aria-label": "As published" }, make("span", {}, "As published:"), ...buttons),
    make("div", { class: "vq-sliders" }, ...sliders.map(({ node }) => node)),
    make("div", { class: "vq-rows" }, ...rows.map(({ node }) => node)), table, verdict, heard.node,
  ));

  function show() {
    const here = Object.fromEntries(names.map((name) => [name, store.get(name)])), found = account(state, here);
    names.forEach((name, k) => {
      const { input, output } = sliders[k], value = here[name], said = name === "extra" && !value ? "none" : name === "side" ? `${value} px` : String(value);
      input.value = stops[name].indexOf(value);
      output.textContent = said;
      give(input, { "aria-valuetext": said });
    });
    const alike = (set) => names.every((name) => name === "batch" || set[name] === here[name]);
    published.forEach(({ set }, k) => give(buttons[k], { "aria-pressed": alike(set) }));

    const [counts, macs, floats] = [0, 1, 2].map((i) => found.map((part) => part[i]));
    const own = counts.map((n) => COPIES * BYTES * n), each = BYTES * sum(floats), images = here.batch * each, all = sum(own) + images;
    const coloured = (values, from = 0) => values.map((value, k) => ({ value, kind: `vx-k${parts[from + k].kind}` }));
    const [encoder, decoder] = [counts.slice(0, 3), counts.slice(3)], most = Math.max(10.5 * MILLION, sum(encoder), sum(decoder));
    const marked = here.side === 96 && here.layers === 4 ? ["encoder", "decoder"].map((key) => published.flatMap((one) => one[key] ?? [])) : [[], []];
    rows[0].draw(coloured(encoder), most, `${three(sum(encoder) / MILLION)} million`, marked[0]);
    rows[1].draw(coloured(decoder, 3), most, `${three(sum(decoder) / MILLION)} million`, marked[1]);
    rows[2].draw(coloured(macs), sum(macs), `${three(sum(macs) / MILLION)} million`);
    rows[3].draw([...coloured(own), { value: images, kind: "vq-kept" }], all, `${three(all / MILLION)} MB`);
    cells.forEach((row, k) => [counts, macs, own].forEach((values, i) => (row[i].textContent = three(values[k] / MILLION))));
    kept.textContent = three(images / MILLION);
    [sum(counts), sum(macs), all].forEach((v, i) => (totals[i].textContent = three(v / MILLION)));
    const [few, quick, light] = [counts, macs, own].map((values) => values[1] + values[2]);
    verdict.textContent = `The ${here.extra ? "extra layer and the two heads" : "two heads"} have ${percent(few, sum(counts))} of the parameters, ${percent(quick, sum(macs))} of the multiplications and ${percent(light, all)} of the memory. All weights together need as much of it as ${fixed(sum(own) / each, 0)} images do.`;
    Object.assign(root.dataset, here);
    heard.say(`Encoder ${three(sum(encoder) / MILLION)}, decoder ${three(sum(decoder) / MILLION)} million parameters, ${three(sum(macs) / MILLION)} million multiplications, ${three(all / MILLION)} MB`);
  }
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-parameters", label: "Parameter ledger", names: ["side", "layers", "dimensions", "extra", "batch"], mount };
