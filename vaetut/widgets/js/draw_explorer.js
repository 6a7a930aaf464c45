// @ts-check
// The draw explorer: example is the trait. What is drawn is the view's own, and so is ε.

import { inBackground } from "./background.js";
import { toPixels } from "./engine.js";
import { crossEntropy, divergence } from "./likelihood.js";
import { announcer, button, dragged, give, loadStrip, make, QUIET, slider, svg, text } from "./nodes.js";
import { bytes, clamp, fixed, summed, unquantise } from "./numbers.js";
import { bringIn } from "./photograph.js";
import { normals, uniforms } from "./random.js";

const SIDE = 320, WIDE = 256; // of the plane, and of the canvas that is drawn on
const FAINT = 0.08; // of all light between empty and full, less than which is none

const pair = (values) => `(${[...values].map((v) => fixed(v)).join(", ")})`;

function makePlane({ limits, cloud, kinds, classes, colours }) {
  const codes = unquantise(cloud), kind = bytes(kinds), n = kind.length;
  const at = (v, k) => ((v - limits[k][0]) / (limits[k][1] - limits[k][0])) * SIDE, x = (v) => at(v, 0), y = (v) => SIDE - at(v, 1);
  const paths = classes.map((_, c) => svg("path", { class: "vd-dots", style: `--colour: ${colours[c % colours.length]}` }));
  const lists = classes.map(() => "");
  for (let i = 0; i < n; i++) lists[kind[i]] += `M${x(codes[2 * i]).toFixed(1)} ${y(codes[2 * i + 1]).toFixed(1)}h.01`;
  paths.forEach((path, c) => give(path, { d: lists[c] }));
  const rings = [1, 2].map(() => svg("ellipse", { class: "vd-ring" })), line = svg("line", { class: "vd-way" }), dot = svg("circle", { class: "vd-code", r: 5 });
  const centre = svg("path", { class: "vd-mean", d: "M-5 0H5M0-5V5" });
  const node = svg(
    "svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "vd-plane vx-pad", role: "img" },
    svg("rect", { class: "vx-ground", x: 0.5, y: 0.5, width: SIDE - 1, height: SIDE - 1, rx: 5 }), ...paths, ...rings, line, centre, dot,
    text(SIDE - 8, SIDE - 8, "z₁", { class: "vx-name vx-end" }), text(8, 16, "z₂", { class: "vx-name" }),
  );
  return {
    node,
    draw({ mean, sd, code }) {
      const [mx, my, zx, zy] = [x(mean[0]), y(mean[1]), x(code[0]), y(code[1])];
      rings.forEach((ring, k) => give(ring, { cx: mx, cy: my, rx: (k + 1) * (x(sd[0]) - x(0)), ry: (k + 1) * (y(0) - y(sd[1])) }));
      give(line, { x1: mx, y1: my, x2: zx, y2: zy });
      give(centre, { transform: `translate(${mx} ${my})` });
      give(dot, { cx: zx, cy: zy });
    },
    /** The class of the code nearest to this one. */
    nearest(code) {
      let best = 0, least = Infinity;
      for (let i = 0; i < n; i++) {
        const off = (codes[2 * i] - code[0]) ** 2 + (codes[2 * i + 1] - code[1]) ** 2;
        if (off < least) (least = off), (best = i);
      }
      return classes[kind[best]];
    },
  };
}

function mount(root, state, store) {
  const { names, sd, beta, image: [height, width] } = state, noisy = sd !== 0, strip = loadStrip(state.examples);
  const canvas = make("canvas", { width: WIDE, height: Math.round((WIDE * height) / width), class: "vx-image vd-canvas", role: "img" });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const small = make("canvas", { width, height }), smallPen = small.getContext("2d", { willReadFrequently: true });
  const answer = make("canvas", { width, height, class: "vx-image vx-crisp vd-answer", role: "img" });
  const seen = make("canvas", { width, height, class: "vx-image vx-crisp vd-form", role: "img" });
  const plane = makePlane(state), heard = announcer(), words = make("p", { class: "vx-words vd-words" });
  const trouble = make("p", { class: "vd-trouble", role: "alert" });

  const example = slider("Example", { name: "example", min: 0, max: names.length - 1 }, (k) => (store.get("example") === k ? start(k) : store.set({ example: k })));
  const brush = slider("Brush", { name: "brush", min: 4, max: 48, value: 20 }, (v) => (brush.output.textContent = String(v)));
  brush.output.textContent = "20";
  const rub = make("input", { type: "checkbox", name: "rub", ...QUIET });
  const clear = button("Clear", "Clear the canvas", () => (wipe(), drawn("your drawing")));
  const file = make("input", { type: "file", accept: "image/*", class: "vd-file", ...QUIET });
  const open = make("label", { class: "vd-open" }, "Your picture …", file);
  const draw = button("Draw ε again", "Draw ε again", () => (normal(epsilon), ask()));
  const still = button("ε = 0", "Set ε to 0: z = μ", () => (epsilon.fill(0), ask()));

  const parts = ["reconstruction", ...(noisy ? ["β × KL", "loss"] : [])].map((name) => ({ name, cells: [make("td"), make("td")] }));
  const table = make(
    "table", { class: "vm-loss" }, make("caption", {}, "The loss of this picture, in nats"),
    make("tbody", {}, ...parts.map(({ name, cells }) => make("tr", {}, make("th", { scope: "row" }, name), ...cells))),
  );
  const title = (words) => make("p", { class: "vx-title" }, words);
  root.toggleAttribute("data-inverted", state.inverted);
  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make(
      "div", { class: "vd-row" },
      make("div", { class: "vd-left" }, title("Draw here"), canvas, make("div", { class: "vd-tools" }, brush.node, make("label", { class: "vx-tick" }, rub, "rub out"), clear, open)),
      make("div", { class: "vd-middle" }, title(noisy ? "μ, one and two σ around it, and z" : "its code"), plane.node, ...(noisy ? [make("div", { class: "vx-bar" }, draw, still)] : [])),
      make("div", { class: "vd-right" }, make("div", { class: "vd-pair" }, make("div", {}, title("what the model gets"), seen), make("div", {}, title("its answer"), answer)), table),
    ),
    example.node, words, trouble, heard.node,
  ));

  // ---- The picture, and its form for the model

  const normal = normals(uniforms(1)), epsilon = normal(new Float64Array(2));
  if (!noisy) epsilon.fill(0);
  let form = new Float32Array(height * width), what = "", alive = true;

  function wipe() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }

  /** Take the small canvas as it stands. */
  function take(name) {
    const { data } = smallPen.getImageData(0, 0, width, height);
    form = Float32Array.from({ length: height * width }, (_, i) => data[4 * i] / 255);
    what = name;
    give(canvas, { "aria-label": `Canvas to draw on: ${name}` });
    seen.getContext("2d").drawImage(small, 0, 0);
    give(seen, { "aria-label": `${name}, as the model gets it: ${width} × ${height} grey pixels` });
    const light = form.reduce((p, q) => p + q, 0) / form.length;
    trouble.textContent = Math.max(...form) < FAINT
      ? "The canvas is empty: draw something, or take an example. The answer is to a picture of nothing."
      : light > 1 - FAINT ? "All is ink. Rub some of it out: the model has never seen such a picture." : "";
    ask();
  }

  function drawn(name) {
    smallPen.imageSmoothingQuality = "high";
    smallPen.drawImage(canvas, 0, 0, width, height);
    take(name);
  }

  function start(k) {
    smallPen.drawImage(strip, 0, k * height, width, height, 0, 0, width, height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = true;
    take(names[k]);
  }

  let last = null;
  dragged(canvas, example.input, (event, _, press) => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    const to = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale], from = press || !last ? to : last;
    Object.assign(pen, { strokeStyle: rub.checked ? "#000" : "#fff", lineWidth: Number(brush.input.value), lineCap: "round" });
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0] + 0.01, to[1]);
    pen.stroke();
    last = to;
    drawn("your drawing");
  });

  async function photograph(data) {
    try {
      const bitmap = await bringIn(data, canvas.width, canvas.height);
      pen.putImageData(bitmap, 0, 0);
      drawn("your picture");
    } catch (error) {
      trouble.textContent = error.message;
    }
  }
  file.addEventListener("change", () => file.files.length && photograph(file));
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => (event.preventDefault(), photograph(event.dataTransfer)));
  root.addEventListener("paste", (event) => photograph(event.clipboardData));

  // ---- What comes back: one at a time, and only the newest waits

  let number = 0, busy = false, waiting = false, asked = 0;
  const { send, close } = inBackground(([, of, found, ms]) => {
    if (!alive || of !== number) return;
    busy = false;
    told(found, ms);
    if (waiting) ask();
  });
  send(["networks", state.networks]);

  function ask() {
    root.setAttribute("aria-busy", true);
    waiting = busy;
    if (busy) return;
    busy = true;
    asked = performance.now();
    send(["autoencode", ++number, form, epsilon, sd]);
  }

  function told(found, ms) {
    const { mean, sd: spread, code, logits } = found, reconstruction = crossEntropy(form, logits);
    answer.getContext("2d").putImageData(new ImageData(toPixels(logits, state.image), width, height), 0, 0);
    plane.draw(found);
    const kl = noisy ? divergence(mean, spread) : 0, values = noisy ? summed([reconstruction, beta * kl, reconstruction + beta * kl]) : [fixed(reconstruction, 1)];
    parts.forEach(({ cells: [how, sum] }, k) => {
      how.textContent = k === 1 ? `${fixed(beta, 2)} × ${fixed(kl)}` : k ? "=" : "";
      sum.textContent = values[k];
    });
    const place = noisy ? `μ = ${pair(mean)}, σ = ${pair(spread)}, z = ${pair(code)}` : `code = ${pair(code)}`;
    words.textContent = `${what}: ${place}. Nearest code: ${plane.nearest(code)}. ${noisy ? "Loss" : "Reconstruction"} ${values.at(-1)} nats.`;
    give(plane.node, { "aria-label": `Plane of codes: ${place}` });
    give(answer, { "aria-label": `The decoder’s answer to ${what}` });
    const show = (/** @type {ArrayLike<number>} */ v) => JSON.stringify(Array.from(v));
    Object.assign(root.dataset, { mean: show(mean), sd: show(spread), code: show(code), ms: ms.toFixed(2), lag: (performance.now() - asked).toFixed(2) });
    root.setAttribute("aria-busy", waiting);
    heard.say(words.textContent);
  }

  let shown = null;
  function show() {
    const k = store.get("example");
    example.input.value = k;
    example.output.textContent = names[k];
    give(example.input, { "aria-valuetext": names[k] });
    if (!strip.complete || shown === k) return;
    shown = k;
    start(clamp(k, 0, names.length - 1));
  }
  wipe();
  root.setAttribute("aria-busy", true);
  strip.decode().then(show);

  return { show, close: () => ((alive = false), close(), heard.close()) };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-draw", label: "Draw explorer", names: ["example"], mount };
