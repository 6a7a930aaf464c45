// @ts-check
// The sheet explorer: transect, index, azimuth and elevation are the traits. Dots are
// drawn on a canvas; lines and markers are SVG, so that their colours are the style's.

import { button, chooser, dragged, give, isLight, keyed, make, QUIET, slider, svg, watchTheme } from "./nodes.js";
import { bytes, clamp, fixed, unpack } from "./numbers.js";
import { MARKS, pathAlong, project, putName, turnView, turned } from "./points.js";

// Codes packed as steps of the span, in the sheet's own frame, where their reach is 1.
function unpackCodes(data, { span, frame }) {
  const codes = unpack({ span, data });
  return codes.map((_, i) => frame[i % 3].reduce((sum, v, k) => sum + v * codes[i - (i % 3) + k], 0));
}

// ---- Colours: viridis, without the end that the page's ground would swallow.

const VIRIDIS = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"]
  .map((hex) => [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16)));
const SHADES = 32, LEVELS = 10; // of a factor, and of depth

function shadesOn(dark) {
  const [low, high] = dark ? [0.25, 1] : [0, 0.9];
  return Array.from({ length: SHADES }, (_, i) => {
    const at = (low + ((high - low) * i) / (SHADES - 1)) * (VIRIDIS.length - 1);
    const k = Math.min(Math.floor(at), VIRIDIS.length - 2);
    return `rgb(${VIRIDIS[k].map((v, c) => Math.round(v + (at - k) * (VIRIDIS[k + 1][c] - v)))})`;
  });
}

// Draw dots, far ones first, smaller and fainter. `order` has their indices by shade.
const heads = new Int32Array(LEVELS);
function drawDots(canvas, seen, order, shades, colours, ratio, nexts) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  heads.fill(-1);
  for (const i of order) {
    const level = clamp(Math.floor(((seen[3 * i + 2] + 0.9) / 1.8) * LEVELS), 0, LEVELS - 1);
    nexts[i] = heads[level];
    heads[level] = i;
  }
  for (let level = 0; level < LEVELS; level++) {
    const near = level / (LEVELS - 1), radius = (0.9 + 0.8 * near) * ratio;
    pen.globalAlpha = 0.28 + 0.67 * near;
    for (let i = heads[level]; i >= 0; ) {
      const shade = shades[i];
      pen.fillStyle = colours[shade];
      pen.beginPath();
      for (; i >= 0 && shades[i] === shade; i = nexts[i]) {
        const x = seen[3 * i] * ratio, y = seen[3 * i + 1] * ratio;
        pen.moveTo(x + radius, y);
        pen.arc(x, y, radius, 0, 7);
      }
      pen.fill();
    }
  }
}

// ---- Words

function wordsOf({ name, factors, inside }, index, names) {
  const values = names.map((factor, k) => `${factor} = ${fixed(factors[index][k])}`).join(", ");
  return `${name}, point ${index + 1} of ${factors.length}: ${values}, ${inside[index] ? "in" : "outside"} the hole`;
}

// ---- What is drawn

// A line on the sheet: what a kind of path, of one class each, is drawn along.
function line(points, ...classes) {
  const paths = classes.map((name) => svg("path", { class: name }));
  const seen = new Float32Array(points.length);
  return {
    paths,
    move(view) {
      const d = pathAlong(project(points, view, seen));
      for (const path of paths) path.setAttribute("d", d);
    },
  };
}

// A transect: its line, markers and name; `seen` is where its codes are.
function makeTransect(transect, k, state) {
  const points = unpackCodes(transect.codes, state), seen = new Float32Array(points.length);
  const halo = svg("path", { class: "vs-halo" }), path = svg("path", { class: "vs-path" });
  const marks = transect.inside.map((inside) => svg("path", { class: inside ? "vs-mark vs-inside" : "vs-mark", d: MARKS[k] }));
  const name = svg("text", { class: "vs-name" }, transect.name);
  const sprite = new Image();
  sprite.src = `data:image/png;base64,${transect.sprite}`;
  return {
    ...transect, seen, sprite, marks,
    node: svg("g", { class: `vs-transect vs-t${k} vx-k${k}` }, halo, path, ...marks, name),
    move(view, chosen, index) {
      project(points, view, seen);
      const d = pathAlong(seen);
      halo.setAttribute("d", d);
      path.setAttribute("d", d);
      marks.forEach((mark, i) => {
        const size = !chosen ? 0.55 : i === index ? 1.6 : 1;
        mark.setAttribute("transform", `translate(${seen[3 * i].toFixed(1)} ${seen[3 * i + 1].toFixed(1)}) scale(${size})`);
      });
      const end = seen.length - 3, out = Math.hypot(seen[end] - seen[end - 3], seen[end + 1] - seen[end - 2]) || 1;
      const [dx, dy] = [0, 1].map((c) => (15 * (seen[end + c] - seen[end + c - 3])) / out);
      putName(name, seen[end] + dx, seen[end + 1] + dy, 13, view);
    },
  };
}

// A pair of images, of which a click chooses the point.
function makePair(choose) {
  const canvases = [make("canvas"), make("canvas")];
  const node = make("div", { class: "vs-pair" }, ...canvases);
  node.addEventListener("click", () => choose(pair.index));
  const pair = {
    node,
    show({ image: [height, width], rows, sprite, inside }, index) {
      pair.index = index;
      node.classList.toggle("vs-in", Boolean(inside[index]));
      canvases.forEach((canvas, row) => {
        canvas.hidden = row >= rows;
        if (canvas.hidden || !sprite.complete) return;
        Object.assign(canvas, { width, height });
        canvas.getContext("2d").drawImage(sprite, index * width, row * height, width, height, 0, 0, width, height);
      });
    },
  };
  return pair;
}

// Spread over 0 … n − 1, with the nearest replaced by the index itself.
function spread(n, count, index) {
  const picks = Array.from({ length: count }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, count - 1)));
  const apart = picks.map((pick) => Math.abs(pick - index));
  picks[apart.indexOf(Math.min(...apart))] = index;
  return picks;
}

// ---- The explorer. `store` holds transect, index, azimuth and elevation.

function mount(root, state, store) {
  const { names } = state;
  const codes = unpackCodes(state.codes, state), seen = new Float32Array(codes.length);
  const n = codes.length / 3, factors = bytes(state.shades), nexts = new Int32Array(n);
  const transects = state.transects.map((transect, k) => makeTransect(transect, k, state));
  const grid = state.grid.map((text) => line(unpackCodes(text, state), "vs-grid"));
  const edges = Object.entries(state.edges).map(([label, text]) => {
    const kind = label.includes("hole") ? "vs-hole" : "vs-edge";
    return { label, kind, ...line(unpackCodes(text, state), `${kind}-ground`, "vs-halo", kind) };
  });
  const sides = state.sides.map(([words, text]) => ({ point: unpackCodes(text, state), node: svg("text", { class: "vs-side" }, words) }));
  const axes = [0, 1, 2].map((k) => ({
    along: Float32Array.from(state.frame, (row) => row[k]), // a latent axis in the sheet's frame
    arm: svg("line"), name: svg("text", {}, `z${"₁₂₃"[k]}`),
  }));

  const back = svg("svg", { class: "vs-layer" }, ...edges.map(({ paths }) => paths[0]), ...grid.flatMap(({ paths }) => paths));
  const canvas = make("canvas", { class: "vs-layer" });
  const front = svg(
    "svg", { class: "vs-layer" },
    ...edges.flatMap(({ paths }) => paths.slice(1)), ...sides.map(({ node }) => node),
    svg("g", { class: "vs-axes" }, ...axes.flatMap(({ arm, name }) => [arm, name])),
    ...transects.map(({ node }) => node),
  );
  const pad = make("div", {
    class: "vs-pad vx-pad", tabindex: 0, role: "application",
    "aria-label": `The codes of ${n.toLocaleString("en")} images in latent space: arrow keys turn them, plus and minus zoom`, ...QUIET,
  }, back, canvas, front);

  const pairs = Array.from({ length: 7 }, () => makePair((index) => store.set({ index })));
  const strip = make("div", { class: "vs-strip", "aria-hidden": "true" }, make("div", { class: "vs-heads" }, make("span", {}, "true"), make("span", {}, "model")), ...pairs.map(({ node }) => node));
  const ties = pairs.map(() => svg("line"));
  const leads = svg("svg", { class: "vs-leads", "aria-hidden": "true" }, ...ties);
  const words = make("p", { class: "vs-words", "aria-live": "polite" });

  const radios = transects.map(({ name }, k) => {
    const input = make("input", { type: "radio", name: "transect", value: name, ...QUIET });
    input.addEventListener("change", () => store.set({ transect: name, index: clamp(store.get("index"), 0, transects[k].factors.length - 1) }));
    const mark = svg("svg", { viewBox: "-8 -8 16 16", class: `vs-swatch vx-k${k}` }, svg("path", { class: "vs-mark", d: MARKS[k] }));
    return { input, node: make("label", {}, input, mark, name) };
  });
  const point = slider("Point", { min: 0 }, (index) => store.set({ index }));

  const colour = chooser("Colour", [...names, "neither"], () => paint());
  give(colour.select, { name: "colour", "aria-label": "Colour" }).value = state.colour || "neither";
  const bar = make("span", { class: "vs-bar" }), ends = [make("span"), make("span")];
  const scale = make("span", { class: "vs-scale" }, ends[0], bar, ends[1]);
  const turning = make("input", { type: "checkbox", name: "turning", ...QUIET });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const legend = edges.map(({ label, kind }) => make("span", {}, svg("svg", { viewBox: "0 0 22 8" }, svg("path", { class: kind, d: "M0 4H22" })), label));
  if (transects.length) legend.push(make("span", {}, svg("svg", { viewBox: "-11 -8 22 16" }, svg("path", { class: "vs-mark vs-inside", d: MARKS[0] })), "point in the hole"));

  let zoom = 1;
  const zoomBy = (factor) => {
    zoom = clamp(zoom * factor, 0.5, 8);
    show();
  };
  const reset = () => {
    zoom = 1;
    store.set({ ...state.view });
  };

  const form = make(
    "form", { class: "vs-form" },
    make("fieldset", { class: "vs-choice" }, make("legend", {}, "Transect"), ...radios.map(({ node }) => node)),
    point.node, words,
    make("div", { class: "vs-row" }, colour.node, scale),
    make("div", { class: "vs-row vs-view" }, button("−", "Zoom out", () => zoomBy(1 / 1.25)), button("+", "Zoom in", () => zoomBy(1.25)), button("Reset view", "Reset view", reset), make("label", { class: "vx-tick" }, turning, "Turn by itself")),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  if (!transects.length) for (const node of [strip, leads, ...form.querySelectorAll(".vs-choice, .vx-slider, .vs-words")]) node.remove();
  const stage = make("div", { class: "vs-stage" }, pad, ...(transects.length ? [strip, leads] : []));
  root.replaceChildren(make("div", { class: "vs-all" }, stage, make("p", { class: "vs-legend vx-legend" }, ...legend, make("span", { class: "vs-hint" }, "Drag to turn.")), form));

  // ---- Drawing, at most once a frame

  let colours, shades, order, width = 0, height = 0, beside = false, turnedOver = false, shown, frame;
  function paint() { // after another choice of colour, or theme
    const k = names.indexOf(colour.select.value);
    const dark = isLight(root);
    colours = k < 0 ? [dark ? "#999" : "#777"] : shadesOn(dark);
    shades = Uint8Array.from({ length: n }, (_, i) => (k < 0 ? 0 : (factors[2 * i + k] * SHADES) >> 8));
    order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => shades[i] - shades[j]);
    scale.hidden = k < 0;
    if (k >= 0) {
      ends.forEach((end, e) => (end.textContent = fixed(state.ranges[k][e], 1)));
      bar.style.background = `linear-gradient(90deg, ${colours})`;
    }
    ask();
  }

  const ask = () => (frame ??= requestAnimationFrame(draw));
  function draw() {
    frame = null;
    if (!width) return;
    const view = {
      matrix: turned(store.get("azimuth"), store.get("elevation")), distance: state.distance,
      scale: 0.45 * Math.min(width, 1.1 * height) * zoom, x: width / 2, y: height / 2,
    };
    drawDots(canvas, project(codes, view, seen), order, shades, colours, devicePixelRatio, nexts);
    for (const part of [...grid, ...edges]) part.move(view);
    for (const { point, node } of sides) {
      const [x, y] = project(point, view), away = Math.hypot(x - view.x, y - view.y) || 1;
      putName(node, x + (30 * (x - view.x)) / away, y + (17 * (y - view.y)) / away, 28, view);
    }
    const corner = { ...view, scale: 24, x: 44, y: height - 42 };
    for (const { along, arm, name } of axes) {
      const [x, y] = project(along, corner), far = project(along.map((v) => 1.4 * v), corner);
      give(arm, { x1: corner.x, y1: corner.y, x2: x, y2: y });
      give(name, { x: far[0], y: far[1] + 4 });
    }
    const chosen = store.get("transect"), index = store.get("index");
    for (const transect of transects) transect.move(view, transect.name === chosen, index);
    tie(transects.find(({ name }) => name === chosen), index);
  }

  // The images beside, in the order in which their codes are seen, each tied to its own.
  function tie(transect, index) {
    if (!transect) return;
    const { seen } = transect, end = seen.length - 3, count = Math.min(beside ? 7 : 5, transect.factors.length);
    const ahead = beside ? seen[end + 1] - seen[1] : seen[end] - seen[0];
    if (Math.abs(ahead) > 0.15 * Math.min(width, height)) turnedOver = ahead < 0;
    const picks = spread(transect.factors.length, count, index);
    if (turnedOver) picks.reverse();
    const key = [transect.name, transect.sprite.complete, ...picks].join();
    if (key !== shown) pairs.forEach((pair, k) => {
      pair.node.hidden = k >= count;
      if (k < count) pair.show(transect, picks[k]);
    });
    shown = key;
    pairs.forEach(({ node }, k) => {
      const now = picks[k] === index, x = seen[3 * picks[k]], y = seen[3 * picks[k] + 1];
      const there = k < count && x >= 0 && x <= width && y >= 0 && y <= height;
      node.classList.toggle("vs-now", now);
      give(ties[k], { class: now ? "vs-tie vs-now" : "vs-tie", visibility: there ? "visible" : "hidden" });
      if (there) give(ties[k], { x1: x, y1: y, x2: pairs[k].x, y2: pairs[k].y });
    });
  }

  function fit() {
    [width, height] = [pad.clientWidth, pad.clientHeight];
    Object.assign(canvas, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) });
    beside = strip.offsetLeft > width / 2;
    for (const pair of pairs) pair.node.hidden = false;
    for (const [k, pair] of pairs.entries()) { // where its tie ends
      const { node } = pair;
      if (!beside && k > 4) continue;
      pair.x = node.offsetLeft + (beside ? 0 : node.offsetWidth / 2);
      pair.y = node.offsetTop + (beside ? node.offsetHeight / 2 : 0);
    }
    shown = null;
    ask();
  }

  function show() {
    const chosen = store.get("transect"), index = store.get("index");
    const k = transects.findIndex(({ name }) => name === chosen);
    Object.assign(root.dataset, { azimuth: store.get("azimuth"), elevation: store.get("elevation"), zoom: zoom.toFixed(2), transect: chosen, index });
    if (k >= 0) {
      radios[k].input.checked = true;
      point.input.max = transects[k].factors.length - 1;
      point.input.value = index;
      const text = wordsOf(transects[k], Math.min(index, point.input.max), names);
      if (words.textContent !== text) words.textContent = text;
      give(point.input, { "aria-valuetext": text });
      give(stage, { class: `vs-stage vs-t${k} vx-k${k}` });
      give(form, { class: `vs-form vx-k${k}` });
      if (front.lastChild !== transects[k].node) front.append(transects[k].node);
    }
    ask();
  }

  // ---- Moving

  let held = false, moved = 0;
  dragged(pad, pad, (_, [right, down], press) => {
    if (press) [held, moved] = [true, 0];
    moved += Math.hypot(right, down);
    if (moved >= 4) turnView(store, 0.5 * right, 0.5 * down); // else a click whose hand trembles
  }, (event) => {
    held = false;
    if (moved < 4 && event.type === "pointerup") pick(event);
  });

  function pick(event) { // the marker under the pointer; the chosen transect's first
    const box = pad.getBoundingClientRect(), reach = event.pointerType === "touch" ? 22 : 12;
    let best = null, least = reach;
    for (const { name, seen, factors } of transects)
      for (let i = 0; i < factors.length; i++) {
        let apart = Math.hypot(seen[3 * i] - event.clientX + box.left, seen[3 * i + 1] - event.clientY + box.top);
        if (name === store.get("transect")) apart -= 2;
        if (apart < least) [best, least] = [{ transect: name, index: i }, apart];
      }
    if (best) store.set(best);
  }

  const larger = () => zoomBy(1.25), smaller = () => zoomBy(1 / 1.25);
  keyed(pad, (way, far) => turnView(store, ...way.map((v) => v * (far ? 15 : 5))), { "+": larger, "=": larger, "-": smaller, Home: reset });
  pad.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    zoomBy(Math.exp(-clamp(event.deltaY, -60, 60) / 200));
  }, { passive: false });

  // By itself only where it was asked to, and where the system does not ask for rest.
  let ahead, before;
  function onward(now) {
    ahead = turning.checked ? requestAnimationFrame(onward) : null;
    if (before && !held) turnView(store, clamp((now - before) * 0.012, 0, 3), 0);
    before = turning.checked ? now : null;
  }
  turning.addEventListener("change", () => turning.checked && (ahead ??= requestAnimationFrame(onward)));
  const calm = () => {
    turning.disabled = still.matches;
    turning.parentNode.title = still.matches ? "Your system asks for less motion." : "";
    if (still.matches) turning.checked = false;
  };

  for (const { sprite } of transects) sprite.addEventListener("load", ask);
  still.addEventListener("change", calm);
  const unwatch = watchTheme(paint);
  calm();
  paint();
  const close = () => {
    cancelAnimationFrame(frame);
    cancelAnimationFrame(ahead);
    turning.checked = false;
    still.removeEventListener("change", calm);
    unwatch();
  };
  return { show, close, resize: fit, sized: [stage, pad] };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-sheet", label: "Sheet explorer", names: ["transect", "index", "azimuth", "elevation"], mount };
