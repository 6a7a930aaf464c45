// What the explorers of chapters 09 and 10 share. Python puts it before the script of
// each, so that a page gets one module: names here are the explorer's too.

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
      wait = setTimeout(() => (node.textContent = words), 600);
    },
    close: () => clearTimeout(wait),
  };
}

// Call `move(event, [right, down], press)` from a press on; the keys then go to `focus`.
function dragged(node, focus, move) {
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
  for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, () => (last = null));
}

// ---- Points, flat [x, y, z, x, y, z, …]

// What turns a point into what is seen of it: to the right, up, and towards the eye.
function turned(azimuth, elevation) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  const [ca, sa, ce, se] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
  return [ca, -sa, 0, sa * se, ca * se, ce, -sa * ce, -ca * ce, se];
}

// Write [x, y, depth] of each point into `seen`: pixels, without perspective, in which
// lines that are parallel stay so.
function project(points, { matrix: m, scale, x, y }, seen = new Float32Array(points.length)) {
  for (let i = 0; i < points.length; i += 3) {
    const u = points[i], v = points[i + 1], w = points[i + 2];
    seen[i] = x + scale * (m[0] * u + m[1] * v + m[2] * w);
    seen[i + 1] = y - scale * (m[3] * u + m[4] * v + m[5] * w);
    seen[i + 2] = m[6] * u + m[7] * v + m[8] * w;
  }
  return seen;
}

// The path along points [x, y].
const pathOf = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// ---- A chart of curves along a slider, which lies under its axis

const LEFT = 46, RIGHT = 20, TOP = 12, FLOOR = 176;

// `curves` are {kind, values}, of which the kind is a class; `marks` are [step, words].
function makeChart(words, last, act) {
  const plot = svg("svg", { class: "vx-plot", role: "img" });
  const input = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": words, ...QUIET });
  input.addEventListener("input", () => act(Number(input.value)));
  dragged(plot, input, (event) => {
    const box = plot.getBoundingClientRect();
    act(Math.round(last * clamp((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0, 1)));
  });
  const node = make("div", { class: "vx-chart" }, plot, input);

  function draw({ curves, scale, marks, letter = "", label, lowest = null }, i) {
    const width = node.clientWidth, high = FLOOR + 46;
    if (!width) return;
    const wide = width - LEFT - RIGHT, x = (k) => LEFT + (wide * k) / last;
    const y = (v) => FLOOR - ((FLOOR - TOP) * (v - scale.bottom)) / (scale.top - scale.bottom);
    const parts = [svg("rect", { class: "vx-ground", x: LEFT, y: TOP, width: wide, height: FLOOR - TOP })];
    for (const v of scale.ticks) {
      parts.push(svg("line", { class: v ? "vx-grid" : "vx-zero", x1: LEFT, x2: LEFT + wide, y1: y(v), y2: y(v) }));
      parts.push(text(LEFT - 7, y(v) + 4, minus(String(v)), { class: "vx-end" }));
    }
    for (const { kind, values } of curves) parts.push(svg("path", { class: `vx-curve ${kind}`, d: pathOf(values.map((v, k) => [x(k), y(v)])) }));
    if (lowest !== null) parts.push(svg("path", { class: `vx-lowest ${curves[0].kind}`, d: `M${x(lowest)} ${y(curves[0].values[lowest]) + 5}l5 9h-10z` }));
    parts.push(svg("line", { class: "vx-cursor", x1: x(i), x2: x(i), y1: TOP, y2: FLOOR + 14 }));

    // The values at the cursor, apart from each other and within the plot.
    const side = x(i) > width - 90 ? -1 : 1;
    const tags = curves.map(({ kind, values }) => ({ kind, v: values[i] })).sort((p, q) => q.v - p.v);
    const at = tags.map(({ v }) => clamp(y(v) + 4, TOP + 12, FLOOR - 4));
    for (let k = 1; k < at.length; k++) at[k] = Math.max(at[k], at[k - 1] + 15);
    for (let k = at.length - 1; k >= 0; k--) at[k] = Math.min(at[k], k === at.length - 1 ? FLOOR - 4 : at[k + 1] - 15);
    tags.forEach(({ kind, v }, k) => {
      parts.push(svg("circle", { class: `vx-spot ${kind}`, cx: x(i), cy: y(v), r: 4.5 }));
      parts.push(text(x(i) + 9 * side, at[k], fixed(v, scale.digits), { class: `vx-value ${kind} ${side < 0 ? "vx-end" : ""}` }));
    });
    for (const [k, name] of marks) parts.push(text(x(k), FLOOR + 39, name, { class: "vx-mid" }));
    if (letter) parts.push(text(8, FLOOR + 39, letter, { class: "vx-letter" }));
    give(plot, { viewBox: `0 0 ${width} ${high}`, width, height: high, "aria-label": label });
    plot.replaceChildren(...parts);
    input.value = i;
  }
  return { node, input, plot, draw };
}

const keyOf = (kind, words) => make("span", { class: `vx-mark ${kind}` }, words);

// ---- The two homes: `home` holds the traits, in the kernel or on the page

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

// Mount every explorer of a kind on a built page; return what anywidget asks for.
// `mount(root, state, home)` fills the root and returns {show, close}.
function explorer(kind, label, names, mount) {
  const begin = (root, state, home) => {
    give(root, { "data-live": "", role: "group", "aria-label": label });
    const { show, close } = mount(root, state, home);
    const unwatch = home.watch(show), size = new ResizeObserver(show);
    size.observe(root);
    show();
    return () => (close?.(), unwatch(), size.disconnect());
  };
  for (const root of document.querySelectorAll(`.${kind}:not([data-live])`)) {
    const json = root.querySelector("script[type='application/json']");
    const state = json && JSON.parse(json.textContent);
    if (state) begin(root, state, inPage(state.start));
  }
  return {
    async render({ model, el }) {
      const root = make("div", { class: `vaetut-explorer ${kind}`, "data-live": "", ...QUIET }, "Waiting for the kernel: run this cell.");
      el.append(root);
      const state = await new Promise((resolve) => {
        const listen = ({ kind, state }) => kind === "state" && (model.off("msg:custom", listen), resolve(state));
        model.on("msg:custom", listen);
        model.send({ kind: "state" });
      });
      return begin(root, state, inKernel(model, names));
    },
  };
}
