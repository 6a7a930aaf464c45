// @ts-check
// The face explorer: face and amounts are the traits.

import { decoderOf, makeFrames } from "./decoding.js";
import { announcer, button, give, keyed, make, slider, whenDecoded } from "./nodes.js";
import { fixed, unpack, unquantise } from "./numbers.js";
import { loadPicture, makeFace } from "./pictures.js";

const FINE = 10; // steps of a slider in one unit
const signed = (v) => `${v > 0 ? "+" : ""}${fixed(v, 1)}`;
const lengthOf = (code) => Math.hypot(...code);

function mount(root, state, store, model) {
  const { names, reach, faces: n, truths } = state, size = state.image.slice(0, 2);
  const codes = unquantise(state.codes), vectors = unpack(state.vectors), d = codes.length / n;
  const originals = state.thumbnails && loadPicture(state.thumbnails);
  const strips = new Map(Object.entries(truths).map(([name, { strip }]) => [name, loadPicture(strip)]));
  const heard = announcer();
  let last = names.find((name, k) => store.get("amounts")[k] && strips.has(name)) ?? names.find((name) => strips.has(name));

  const codeOf = (face, amounts) => Array.from({ length: d }, (_, i) => amounts.reduce((sum, a, k) => sum + a * vectors[k * d + i], codes[face * d + i]));
  const pick = (face) => store.set({ face: (face + n) % n });
  const move = (k, amount) => {
    last = names[k];
    store.set({ amounts: store.get("amounts").with(k, amount) });
  };

  const picks = Array.from({ length: n }, (_, i) => {
    const face = originals && makeFace(size, 96, { "aria-hidden": "true" });
    const node = button(face ? "" : String(i + 1), `Face ${i + 1}`, () => pick(i));
    if (face) node.append(face.node);
    return { node, face };
  });
  const row = make("div", { class: "vf-picks", role: "group", "aria-label": "Face to start at" }, ...picks.map(({ node }) => node));
  keyed(row, ([right, down]) => {
    pick(store.get("face") + right + down);
    picks[store.get("face")].node.focus();
  });

  const tile = (words, kind, across = 480) => {
    const face = makeFace(size, across, { role: "img", "data-face": kind });
    return { ...face, tile: make("div", { class: `vf-tile vf-${kind}` }, make("p", { class: "vx-title" }, words), face.node) };
  };
  const original = originals && tile("Original", "original"), plain = tile("Reconstruction", "plain"), moved = tile("Moved", "moved"), truth = strips.size ? tile("Drawn anew", "truth") : null;
  const tiles = [original, plain, moved, truth].filter(Boolean);

  const sliders = names.map((name, k) => slider(name, { min: -reach * FINE, max: reach * FINE, name }, (value) => move(k, value / FINE)));
  const reset = button("Reset", "Reset all attributes", () => store.set({ amounts: names.map(() => 0) }));
  const other = button("Another face", "Another face", () => pick(store.get("face") + 1));
  const place = make("p", { class: "vx-words" }), frames = makeFrames(root, decoderOf(model, state), ([reconstruction, face]) => {
    plain.put(reconstruction);
    moved.put(face);
  });

  const steps = Math.max(0, ...Object.values(truths).map(({ steps }) => steps));
  const film = Array.from({ length: steps }, () => makeFace(size, 144, { "aria-hidden": "true" }));
  const filmTitle = make("p", { class: "vx-title" });
  const strip = make("div", { class: "vf-film" }, filmTitle, make("div", { class: "vf-strip", role: "img", style: `--steps: ${steps}` }, ...film.map(({ node }) => node)));

  root.replaceChildren(make(
    "div", { class: "vx-all" }, row,
    make("div", { class: "vf-tiles", style: `--tiles: ${tiles.length}` }, ...tiles.map(({ tile }) => tile)),
    ...(steps ? [strip] : []),
    make("div", { class: "vf-sliders" }, ...sliders.map(({ node }) => node)),
    make("div", { class: "vx-bar" }, reset, other, frames.status), place, heard.node,
  ));

  function showTruth(face, amounts) {
    root.classList.toggle("vf-untold", !strips.has(last));
    if (!strips.has(last)) return;
    const { steps: own } = truths[last], amount = amounts[names.indexOf(last)], near = Math.round(((own - 1) * (amount + reach)) / (2 * reach));
    const at = (k) => signed(-reach + (2 * reach * k) / (own - 1));
    filmTitle.textContent = `The same face drawn anew, ${last} changed from ${signed(-reach)} to ${signed(reach)}`;
    film.forEach(({ node, show }, k) => {
      node.hidden = k >= own;
      node.classList.toggle("vf-near", k === near);
      if (k < own) show(strips.get(last), face * own + k);
    });
    give(strip.lastChild, { "aria-label": `The same face drawn anew in ${own} steps of ${last}; nearest to the slider is step ${near + 1}, ${at(near)}` });
    truth.show(strips.get(last), face * own + near);
    give(truth.node, { "aria-label": `Face ${face + 1} drawn anew with ${last} ${at(near)}` });
  }

  function show() {
    const face = store.get("face"), amounts = store.get("amounts"), code = codeOf(face, amounts);
    const words = names.flatMap((name, k) => (amounts[k] ? [`${name} ${signed(amounts[k])}`] : [])).join(", ") || "not moved";
    picks.forEach(({ node, face: picture }, i) => {
      give(node, { "aria-pressed": i === face });
      picture?.show(originals, i);
    });
    sliders.forEach(({ input, output }, k) => {
      input.value = Math.round(FINE * amounts[k]);
      output.textContent = signed(amounts[k]);
      give(input, { "aria-valuetext": `${names[k]} ${signed(amounts[k])}` });
    });
    original?.show(originals, face);
    original && give(original.node, { "aria-label": `Original picture of face ${face + 1}` });
    give(plain.node, { "aria-label": `Reconstruction of face ${face + 1}` });
    give(moved.node, { "aria-label": `Face ${face + 1} moved: ${words}` });
    if (truth) showTruth(face, amounts);
    place.textContent = `Face ${face + 1}: ${words}. Length of its code: ${fixed(lengthOf(codeOf(face, names.map(() => 0))), 1)}, moved: ${fixed(lengthOf(code), 1)}.`;
    Object.assign(root.dataset, { face, amounts: JSON.stringify(amounts) });
    frames.ask({ face, amounts: [...amounts] }, () => [[0, codeOf(face, names.map(() => 0))], [0, code]]);
    heard.say(place.textContent);
  }
  whenDecoded(root, [originals, ...strips.values()].filter(Boolean), show);
  return { show, close: () => (heard.close(), frames.close()) };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-faces", label: "Face explorer", names: ["face", "amounts"], mount };
