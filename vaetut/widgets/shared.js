// What the explorers share. Python puts it before the script of each, so that a page
// gets one module: names here are the explorer's too.

// ---- Nodes

function give(node, attributes = {}, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const make = (tag, ...rest) => give(document.createElement(tag), ...rest);
const svg = (tag, ...rest) => give(document.createElementNS("http://www.w3.org/2000/svg", tag), ...rest);
const text = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);
const QUIET = { "data-lm-suppress-shortcuts": "true" };

// ---- Numbers

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const minus = (words) => (/^-0\.?0*$/.test(words) ? words.slice(1) : words.replace("-", "−"));
const fixed = (x, digits = 2) => minus(x.toFixed(digits));
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Numbers that Python's `pack_steps` packed as int16 steps of a span.
const unpack = ({ span, data }) => Float32Array.from(new Int16Array(bytes(data).buffer), (step) => (step * span) / 32767);

// Rows of numbers that Python's `quantise` packed as uint16 steps from low to high.
function unquantise({ low, high, data }) {
  const d = low.length;
  return Float32Array.from(new Uint16Array(bytes(data).buffer), (step, i) => low[i % d] + (step / 65535) * (high[i % d] - low[i % d]));
}

// A scale in round steps over all values, from 0 where that is not far below them.
function makeScale(values, share = 0.75) {
  const high = Math.max(...values, 0), least = Math.min(...values);
  const low = least >= 0 && least <= share * high ? 0 : least;
  const rough = (high - low) / 4 || Math.abs(high) / 4 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((m) => m * power > 0.999 * rough);
  const first = Math.floor(low / step + 1e-6), last = Math.max(first + 1, Math.ceil(high / step - 1e-6));
  const ticks = Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
  const digits = clamp(2 - Math.floor(Math.log10(Math.max(...ticks.map(Math.abs)))), 0, 6);
  return { ticks, bottom: ticks[0], top: ticks.at(-1), digits };
}

// ---- Controls

function slider(words, attributes, act) {
  const input = make("input", { type: "range", step: 1, ...QUIET, ...attributes }), output = make("output");
  input.addEventListener("input", () => act(Number(input.value)));
  return { input, output, node: make("label", { class: "vx-slider" }, make("span", {}, words), input, output) };
}

function chooser(words, names, act) {
  const select = make("select", QUIET, ...names.map((name) => make("option", { value: name }, name)));
  select.addEventListener("change", () => act(select.value));
  return { select, node: make("label", { class: "vx-choice" }, make("span", {}, words), select) };
}

function button(words, label, act) {
  const node = make("button", { type: "button", "aria-label": label, title: label, ...QUIET }, words);
  node.addEventListener("click", act);
  return node;
}

// What a screen reader is told, once the reader's hand rests.
function announcer() {
  let wait;
  const node = make("span", { class: "vx-heard", "aria-live": "polite" });
  return {
    node,
    say(words) {
      clearTimeout(wait);
      wait = setTimeout(() => node.textContent === words || (node.textContent = words), 600);
    },
    close: () => clearTimeout(wait),
  };
}

// Call `move(event, [right, down], press)` from a press on, and `end(event)` when it ends;
// the keys then go to `focus`.
function dragged(node, focus, move, end) {
  let last = null;
  node.addEventListener("pointerdown", (event) => {
    if (event.button || last) return;
    last = [event.clientX, event.clientY];
    node.setPointerCapture(event.pointerId);
    focus.focus({ preventScroll: true });
    event.preventDefault();
    move(event, [0, 0], true);
  });
  node.addEventListener("pointermove", (event) => {
    if (!last || !node.hasPointerCapture(event.pointerId)) return;
    const way = [event.clientX - last[0], event.clientY - last[1]];
    last = [event.clientX, event.clientY];
    move(event, way, false);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    node.addEventListener(name, (event) => {
      if (last) end?.(event);
      last = null;
    });
  }
}

// Call `move([right, down], far)` for an arrow key, far with Shift, and `others[key]()`.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function keyed(node, move, others = {}) {
  node.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key], act = way ? () => move(way, event.shiftKey) : others[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

// ---- Light and dark

// Whether a node's text is light, as it is on a dark ground.
function isLight(node) {
  const { color } = getComputedStyle(node), parts = color.match(/[\d.]+/g).slice(0, 3).map(Number);
  return Math.max(...parts) > (color.startsWith("rgb") ? 127 : 0.5);
}

// Call `act` when the page's theme may have changed; return what ends that.
function watchTheme(act) {
  const themes = new MutationObserver(act), attributeFilter = ["class", "data-theme", "data-jp-theme-light"];
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true, attributeFilter });
  return () => themes.disconnect();
}

// ---- Images of a walk as one strip, point 0 at the top

function loadStrip(png) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  return image;
}

function drawStrip(canvas, strip, i) {
  const { width, height } = canvas;
  canvas.getContext("2d").drawImage(strip, 0, i * height, width, height, 0, 0, width, height);
}

// Sharp where the screen has a dot a pixel at least; else dots of thin strokes would go.
const crisp = (canvas) => canvas.classList.toggle("vx-crisp", canvas.clientWidth * devicePixelRatio >= canvas.width);

// Show anew, and say that it is ready, when all strips are decoded.
function whenDecoded(root, strips, show) {
  Promise.all(strips.map((strip) => strip.decode())).then(() => {
    show();
    root.dataset.ready = "";
  });
}

// ---- Points, flat [x, y, z, x, y, z, …]

// What turns a point into what is seen of it: to the right, up, and towards the eye.
function turned(azimuth, elevation) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  const [ca, sa, ce, se] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
  return [ca, -sa, 0, sa * se, ca * se, ce, -sa * ce, -ca * ce, se];
}

// Turn a store's view by degrees.
function turnView(store, right, down) {
  const azimuth = store.get("azimuth") + right, elevation = clamp(store.get("elevation") + down, -90, 90);
  const [a, e] = [azimuth - 360 * Math.round(azimuth / 360), elevation].map((degrees) => Math.round(10 * degrees) / 10);
  store.set({ azimuth: a, elevation: e });
}

// Write [x, y, depth] of each point into `seen`: pixels, and as far as the points reach.
// Lines that are parallel stay so, unless the eye is at a distance.
function project(points, { matrix: m, scale, x, y, distance = Infinity }, seen = new Float32Array(points.length)) {
  for (let i = 0; i < points.length; i += 3) {
    const u = points[i], v = points[i + 1], w = points[i + 2];
    const near = m[6] * u + m[7] * v + m[8] * w, grown = scale / (1 - near / distance);
    seen[i] = x + grown * (m[0] * u + m[1] * v + m[2] * w);
    seen[i + 1] = y - grown * (m[3] * u + m[4] * v + m[5] * w);
    seen[i + 2] = near;
  }
  return seen;
}

// The path along points [x, y].
const pathOf = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// The path along what `project` returns.
const pathAlong = (seen) => pathOf(Array.from({ length: seen.length / 3 }, (_, k) => seen.slice(3 * k, 3 * k + 2)));

// Put a text's middle at a place, or where it still lies within the plot.
const putName = (node, x, y, half, view) => give(node, { x: clamp(x, half, 2 * view.x - half), y: clamp(y, 10, 2 * view.y - 10) + 4 });

// Marks that differ in shape, about 5 from the middle.
const MARKS = ["M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z", "M-4.5-4.5H4.5V4.5H-4.5Z", "M0-6L6 0L0 6L-6 0Z"];

// ---- A chart of curves along a slider, which lies under its axis

const LEFT = 46, RIGHT = 20, TOP = 12, FLOOR = 176;

// `curves` are {kind, values}, of which the kind is a class; `marks` are [step, words, …],
// each of the words a line, which `letter` names; `under(x, y)` is what lies under curves.
function makeChart(words, last, act) {
  const plot = svg("svg", { class: "vx-plot", role: "img" });
  const input = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": words, ...QUIET });
  input.addEventListener("input", () => act(Number(input.value)));
  dragged(plot, input, (event) => {
    const box = plot.getBoundingClientRect();
    act(Math.round(last * clamp((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0, 1)));
  });
  const node = make("div", { class: "vx-chart" }, plot, input);

  function draw({ curves, scale, marks, letter = "", label, lowest = null, top = TOP, under = () => [] }, i) {
    input.value = i;
    const width = node.clientWidth, high = FLOOR + 32 + 14 * Math.max(...marks.map((mark) => mark.length - 1));
    if (!width) return;
    const wide = width - LEFT - RIGHT, x = (k) => LEFT + (wide * k) / last;
    const y = (v) => FLOOR - ((FLOOR - top) * (v - scale.bottom)) / (scale.top - scale.bottom);
    const parts = [svg("rect", { class: "vx-ground", x: LEFT, y: top, width: wide, height: FLOOR - top })];
    for (const v of scale.ticks) {
      parts.push(svg("line", { class: v ? "vx-grid" : "vx-zero", x1: LEFT, x2: LEFT + wide, y1: y(v), y2: y(v) }));
      parts.push(text(LEFT - 7, y(v) + 4, minus(String(v)), { class: "vx-end" }));
    }
    parts.push(...under(x, y));
    for (const { kind, values } of curves) parts.push(svg("path", { class: `vx-curve ${kind}`, d: pathOf(values.map((v, k) => [x(k), y(v)])) }));
    if (lowest !== null) parts.push(svg("path", { class: `vx-lowest ${curves[0].kind}`, d: `M${x(lowest)} ${y(curves[0].values[lowest]) + 5}l5 9h-10z` }));
    parts.push(svg("line", { class: "vx-cursor", x1: x(i), x2: x(i), y1: top, y2: FLOOR + 14 }));

    // The values at the cursor, apart from each other and within the plot.
    const side = x(i) > width - 90 ? -1 : 1;
    const tags = curves.map(({ kind, values }) => ({ kind, v: values[i] })).sort((p, q) => q.v - p.v);
    const at = tags.map(({ v }) => clamp(y(v) + 4, top + 12, FLOOR - 4));
    for (let k = 1; k < at.length; k++) at[k] = Math.max(at[k], at[k - 1] + 15);
    for (let k = at.length - 1; k >= 0; k--) at[k] = Math.min(at[k], k === at.length - 1 ? FLOOR - 4 : at[k + 1] - 15);
    tags.forEach(({ kind, v }, k) => {
      parts.push(svg("circle", { class: `vx-spot ${kind}`, cx: x(i), cy: y(v), r: 4.5 }));
      parts.push(text(x(i) + 9 * side, at[k], fixed(v, scale.digits), { class: `vx-value ${kind} ${side < 0 ? "vx-end" : ""}` }));
    });
    for (const [k, ...lines] of marks) lines.forEach((line, row) => parts.push(text(x(k), FLOOR + 39 + 14 * row, line, { class: "vx-mid" })));
    [...letter].forEach((name, row) => parts.push(text(8, FLOOR + 39 + 14 * row, name, { class: "vx-letter" })));
    give(plot, { viewBox: `0 0 ${width} ${high}`, width, height: high, "aria-label": label });
    plot.replaceChildren(...parts);
  }
  return { node, input, plot, draw };
}

const keyOf = (kind, words) => make("span", { class: `vx-mark ${kind}` }, words);

// ---- The two homes: `store` holds the traits, in the kernel or on the page

function inKernel(model, names) {
  return {
    get: (name) => model.get(name),
    set(values) {
      for (const name in values) model.set(name, values[name]);
      model.save_changes();
    },
    watch(show) {
      const events = names.map((name) => `change:${name}`);
      for (const event of events) model.on(event, show);
      return () => events.forEach((event) => model.off(event, show));
    },
  };
}

function inPage(values) {
  let tell;
  return {
    get: (name) => values[name],
    set: (changed) => (Object.assign(values, changed), tell()),
    watch: (show) => ((tell = show), () => {}),
  };
}

// Call `begin(root, state)` for every explorer of a kind on a built page.
function beginOnPage(kind, begin) {
  for (const root of document.querySelectorAll(`.${kind}:not([data-live])`)) {
    const json = root.querySelector("script[type='application/json']");
    const state = json && JSON.parse(json.textContent);
    if (state) begin(root, state);
  }
}

// Call `begin(root, state)` in Jupyter once the kernel has sent the state.
async function beginLive(kind, { model, el }, begin) {
  const root = make("div", { class: `vaetut-explorer ${kind}`, "data-live": "", ...QUIET }, "Waiting for the kernel: run this cell.");
  el.append(root);
  const state = await new Promise((resolve) => {
    const listen = ({ kind, state }) => kind === "state" && (model.off("msg:custom", listen), resolve(state));
    model.on("msg:custom", listen);
    model.send({ kind: "state" });
  });
  return begin(root, state);
}

// Mount every explorer of a kind on a built page; return what anywidget asks for.
// `mount(root, state, store)` fills the root and returns {show, close}, and besides what to
// do, `resize`, when one of the nodes `sized` changes its size.
function explorer(kind, label, names, mount) {
  const begin = (root, state, store) => {
    give(root, { "data-live": "", role: "group", "aria-label": label });
    const { show, close, resize = show, sized = [root] } = mount(root, state, store);
    const unwatch = store.watch(show), size = new ResizeObserver(resize);
    for (const node of sized) size.observe(node);
    addEventListener("resize", resize); // a zoom may change devicePixelRatio alone
    show();
    return () => (close?.(), unwatch(), size.disconnect(), removeEventListener("resize", resize));
  };
  beginOnPage(kind, (root, state) => begin(root, state, inPage(state.start)));
  return { render: (view) => beginLive(kind, view, (root, state) => begin(root, state, inKernel(view.model, names))) };
}
