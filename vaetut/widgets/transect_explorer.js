// The transect explorer, in two homes. In Jupyter, anywidget calls `render`, and walk
// and index are the kernel's too. In a built page the inline script mounts every
// explorer. The images of a walk come as one strip a kind, point 0 at the top.

// ---- Nodes

function give(node, attributes = {}, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const make = (tag, ...rest) => give(document.createElement(tag), ...rest);
const svg = (tag, ...rest) => give(document.createElementNS("http://www.w3.org/2000/svg", tag), ...rest);
const text = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// ---- Numbers and words

const minus = (words) => (/^-0\.?0*$/.test(words) ? words.slice(1) : words.replace("-", "−"));
const number = (x) => minus(x.toFixed(2));

// From the bottom to the top of what an error takes in all walks, in round steps.
function makeScale({ walks }, { label }) {
  const values = walks.flatMap(({ errors, nearest }) => [...Object.values(errors[label]), nearest?.[label] ?? []]).flat();
  const high = Math.max(...values), least = Math.min(...values);
  const low = least >= 0 && least < 0.75 * high ? 0 : least;
  const rough = (high - low) / 4 || Math.abs(high) / 4 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((m) => m * power > 0.999 * rough);
  const first = Math.floor(low / step + 1e-6), last = Math.max(first + 1, Math.ceil(high / step - 1e-6));
  const ticks = Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
  const largest = Math.max(...ticks.map(Math.abs));
  const digits = clamp(2 - Math.floor(Math.log10(largest)), 0, 6);
  return { ticks, bottom: ticks[0], top: ticks.at(-1), format: (x) => minus(x.toFixed(digits)) };
}

// 1 where the model beats the nearest training image, −1 where that beats it, 0 where
// its interval leaves it open.
function compare(walk, { label, higher }, i) {
  const { mean, low = mean, high = mean } = walk.errors[label], other = walk.nearest[label][i];
  if (low[i] <= other && other <= high[i]) return 0;
  return mean[i] > other === higher ? 1 : -1;
}

const OUTCOME = {
  "1": "The model beats the nearest training image here.",
  "0": "No clear difference here: the nearest training image lies within the model’s interval.",
  "-1": "The nearest training image beats the model here.",
};

// ---- The images: a strip each, decoded once; one of its images on a canvas.

function loadStrip(png) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  return image;
}

function drawPlain(canvas, strip, i) {
  const { width, height } = canvas;
  canvas.getContext("2d").drawImage(strip, 0, i * height, width, height, 0, 0, width, height);
}

// One strip's image in a colour and another's in its complement: white where they agree.
const sheet = document.createElement("canvas");
const COLOURS = ["#ee7733", "#1188cc"]; // their sum is white
function drawOver(canvas, strips, i) {
  const { width, height } = canvas, pen = canvas.getContext("2d"), ink = sheet.getContext("2d");
  Object.assign(sheet, { width, height });
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, width, height);
  pen.globalCompositeOperation = "lighter";
  strips.forEach((strip, k) => {
    ink.globalCompositeOperation = "source-over";
    drawPlain(sheet, strip, i);
    ink.globalCompositeOperation = "multiply";
    ink.fillStyle = COLOURS[k];
    ink.fillRect(0, 0, width, height);
    pen.drawImage(sheet, 0, 0);
  });
  pen.globalCompositeOperation = "source-over";
}

// ---- Walks: straight lines

const point = ({ start, end }, t) => start.map((v, k) => v + t * (end[k] - v));

// The place t from 0 to 1 on a walk that is nearest to p, and how far off it is.
function project(walk, p) {
  const way = walk.end.map((v, k) => v - walk.start[k]), from = p.map((v, k) => v - walk.start[k]);
  const t = clamp((from[0] * way[0] + from[1] * way[1]) / (way[0] ** 2 + way[1] ** 2), 0, 1);
  const [a, b] = point(walk, t);
  return { walk, t, off: Math.hypot(p[0] - a, p[1] - b) };
}

// ---- The map: a to the right, b upwards, a unit as long in both.

const UNIT = 100, EDGE = 24, FOOT = 30;

function makeMap({ a: [a0, a1], b: [b0, b1], hole: [center, radius], walks, points }) {
  const width = EDGE + UNIT * (a1 - a0) + 8, height = 8 + UNIT * (b1 - b0) + FOOT;
  const x = (a) => EDGE + UNIT * (a - a0), y = (b) => 8 + UNIT * (b1 - b);
  const lines = walks.map((walk) => {
    const { name, start: p, end: q } = walk;
    const ends = { x1: x(p[0]), y1: y(p[1]), x2: x(q[0]), y2: y(q[1]) };
    const [a, b] = point(walk, 1 - 0.24 / Math.hypot(q[0] - p[0], q[1] - p[1]));
    const dots = Array.from({ length: points }, (_, i) => point(walk, i / (points - 1)));
    return svg(
      "g", { class: "vt-line", "data-name": name }, svg("line", { ...ends, class: "vt-touch" }), svg("line", ends),
      svg("path", { d: dots.map(([a, b]) => `M${x(a).toFixed(1)} ${y(b).toFixed(1)}h.01`).join("") }),
      x(a) > width - 30 ? text(x(a) - 6, y(b) + 5, name, { class: "vt-name vt-end" }) : text(x(a) + 5, y(b) - 5, name, { class: "vt-name" }),
    );
  });
  const dot = svg("g", { class: "vt-dot" }, svg("circle", { r: 7.5 }), svg("circle", { r: 6.5 }));
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height}`, class: "vt-map", "aria-hidden": "true" },
    svg("rect", { class: "vt-ground", x: x(a0), y: y(b1), width: UNIT * (a1 - a0), height: UNIT * (b1 - b0) }),
    svg("circle", { class: "vt-hole", cx: x(center[0]), cy: y(center[1]), r: UNIT * radius }),
    ...lines,
    ...[a0, (a0 + a1) / 2, a1].map((a) => text(x(a), y(b0) + 14, a, { class: "vt-mid" })),
    ...[b0, (b0 + b1) / 2, b1].map((b) => text(x(a0) - 6, y(b) + 4, b, { class: "vt-end" })),
    text(x((a0 + 3 * a1) / 4), height - 14, "a", { class: "vt-letter vt-mid" }),
    text(x(a0) - 10, y((b0 + 3 * b1) / 4) + 4, "b", { class: "vt-letter vt-mid" }),
    dot,
  );
  return {
    node,
    under(event) {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
      return [a0 + (at.x - EDGE) / UNIT, b1 - (at.y - 8) / UNIT];
    },
    draw(walk, i) {
      for (const line of lines) line.classList.toggle("vt-now", line.dataset.name === walk.name);
      const [a, b] = point(walk, i / (points - 1));
      give(dot, { transform: `translate(${x(a)} ${y(b)})` });
    },
  };
}

// ---- The chart of an error along a walk. Its slider lies between axis and names.

const LEFT = 46, RIGHT = 20, TOP = 20, FLOOR = 176, HIGH = 232;

function drawChart(node, state, walk, metric, i) {
  const width = node.parentNode.clientWidth, last = state.points - 1;
  if (!width) return;
  const scale = makeScale(state, metric), wide = width - LEFT - RIGHT;
  const x = (k) => LEFT + (wide * k) / last;
  const y = (v) => FLOOR - ((FLOOR - TOP) * (v - scale.bottom)) / (scale.top - scale.bottom);
  const path = (values) => values.map((v, k) => `${k ? "L" : "M"}${x(k).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const { mean, low, high } = walk.errors[metric.label], other = walk.nearest?.[metric.label];
  const parts = [svg("rect", { class: "vt-ground", x: LEFT, y: TOP, width: wide, height: FLOOR - TOP })];
  const add = (...nodes) => parts.push(...nodes);

  for (const v of scale.ticks) {
    add(svg("line", { class: "vt-grid", x1: LEFT, x2: LEFT + wide, y1: y(v), y2: y(v) }), text(LEFT - 7, y(v) + 4, minus(String(v)), { class: "vt-end" }));
  }
  if (walk.span) {
    const [from, to] = walk.span.map(x);
    add(svg("rect", { class: "vt-span", x: from, y: TOP, width: to - from, height: FLOOR - TOP }));
    add(...[from, to].map((at) => svg("line", { class: "vt-rim", x1: at, x2: at, y1: TOP, y2: FLOOR })));
    add(text((from + to) / 2, TOP - 6, "never seen", { class: "vt-name vt-red vt-mid" }));
  }
  if (low) {
    const back = low.map((v, k) => `L${x(k).toFixed(1)} ${y(v).toFixed(1)}`).reverse().join("");
    add(svg("path", { class: "vt-band", d: `${path(high)}${back}Z` }));
  }
  if (other) add(svg("path", { class: "vt-other", d: path(other) }));
  add(svg("path", { class: "vt-curve", d: path(mean) }));
  add(svg("line", { class: "vt-cursor", x1: x(i), x2: x(i), y1: TOP, y2: FLOOR + 14 }));

  // The values at the cursor, apart from each other and within the plot.
  const side = x(i) > width - 90 ? -1 : 1;
  const tags = [{ v: mean[i], name: "model" }, ...(other ? [{ v: other[i], name: "other" }] : [])].sort((p, q) => q.v - p.v);
  const at = tags.map(({ v }) => y(v) + 4);
  if (tags.length > 1) {
    const lack = Math.max(0, 15 - (at[1] - at[0])) / 2;
    at[0] -= lack;
    at[1] += lack;
  }
  const shift = Math.max(0, TOP + 12 - at[0]) - Math.max(0, at.at(-1) - FLOOR + 4);
  tags.forEach(({ v, name }, k) => {
    add(svg("circle", { class: `vt-spot vt-spot-${name}`, cx: x(i), cy: y(v), r: 4.5 }));
    add(text(x(i) + 9 * side, at[k] + shift, scale.format(v), { class: `vt-name vt-value vt-value-${name} ${side < 0 ? "vt-end" : ""}` }));
  });

  const names = width < 480 ? 2 : 4;
  for (let k = 0; k <= names; k++) {
    const place = point(walk, k / names), mid = { class: "vt-mid" };
    place.forEach((v, row) => add(text(x((k * last) / names), FLOOR + 39 + 14 * row, minus(String(Number(v.toFixed(3)))), mid)));
  }
  add(text(8, FLOOR + 39, "a", { class: "vt-letter" }), text(8, FLOOR + 53, "b", { class: "vt-letter" }));
  const ends = `from ${scale.format(mean[0])} at its start to ${scale.format(mean[last])} at its end`;
  give(node, { viewBox: `0 0 ${width} ${HIGH}`, width, height: HIGH, "aria-label": `${metric.label} along ${walk.name}, ${ends}` });
  node.replaceChildren(...parts);
}

// ---- The explorer. `home` holds walk, by its name, and index.

function mount(root, state, home) {
  const { walks, metrics, points, kinds, image: [height, width] } = state;
  const strips = new Map(walks.map((walk) => [walk, Object.fromEntries(Object.entries(walk.strips).map(([kind, png]) => [kind, loadStrip(png)]))]));
  const quiet = { "data-lm-suppress-shortcuts": "true" };
  const group = `vt-${Math.random()}`; // radio buttons of one name are a group
  const now = () => walks.find(({ name }) => name === home.get("walk"));

  const tabs = walks.map(({ name }) => {
    const input = make("input", { type: "radio", name: group, value: name, ...quiet });
    input.addEventListener("change", () => home.set({ walk: name }));
    return { input, node: make("label", {}, input, make("span", {}, name)) };
  });
  const over = make("input", { type: "checkbox", name: "over", ...quiet });
  const key = make(
    "span", { class: "vt-key" },
    ...["only in the truth", "only in the image", "in both"].map((words, k) => make("span", { class: `vt-chip vt-chip-${k}` }, words)),
  );

  const map = makeMap(state);
  const tiles = Object.entries(kinds).map(([kind, title]) => {
    const canvas = make("canvas", { width, height, role: "img", class: "vt-image", "data-kind": kind });
    const name = make("p", { class: "vt-title" });
    return { kind, title, canvas, name, node: make("div", { class: `vt-tile vt-tile-${kind}` }, name, canvas) };
  });

  const where = make("strong"), place = make("span"), values = make("span"), outcome = make("span", { class: "vt-outcome" });
  const heard = make("span", { class: "vt-heard", "aria-live": "polite" });
  const slider = make("input", { type: "range", min: 0, max: points - 1, step: 1, "aria-label": "Place along the transect", ...quiet });
  slider.addEventListener("input", () => home.set({ index: Number(slider.value) }));
  const choice = make("select", quiet, ...metrics.map(({ label }) => make("option", { value: label }, label)));
  const band = make("span", { class: "vt-mark vt-mark-band" }, state.interval);
  const copied = make("span", { class: "vt-mark vt-mark-other" }, kinds.nearest);
  const sense = make("span"), tally = make("p", { class: "vt-small vt-tally" });
  const plot = svg("svg", { class: "vt-plot", role: "img" });
  const chart = make("div", { class: "vt-chart" }, plot, slider);

  root.replaceChildren(make(
    "div", { class: "vt-all" },
    make(
      "div", { class: "vt-bar" },
      make("div", { class: "vt-tabs", role: "radiogroup", "aria-label": "Transect" }, make("span", { class: "vt-wide", "aria-hidden": "true" }, "Transect"), ...tabs.map(({ node }) => node)),
      make("label", { class: "vt-over" }, over, "Lay over the truth"), key,
    ),
    make("div", { class: "vt-row" }, make("div", { class: "vt-tile" }, make("p", { class: "vt-title" }, "where we are"), map.node), ...tiles.map(({ node }) => node)),
    make("p", { class: "vt-words" }, place, " ", where, ". ", values, " ", outcome),
    make(
      "div", { class: "vt-bar" },
      make("label", { class: "vt-metric" }, "Measure ", choice), sense,
      make(
        "span", { class: "vt-legend" }, make("span", { class: "vt-mark" }, kinds.reconstruction), band, copied,
      ),
    ),
    chart, tally, heard,
  ));
  give(root, { "data-live": "", role: "group", "aria-label": "Transect explorer" });
  if (state.height) root.style.setProperty("--tile", `${state.height}px`);

  let speak, ready = false;
  const metric = () => metrics.find(({ label }) => label === choice.value);
  const graph = () => drawChart(plot, state, now(), metric(), home.get("index"));
  function crisp() { // a screen's dot a pixel at least; else dots of thin strokes would go
    for (const { canvas } of tiles) canvas.classList.toggle("vt-crisp", canvas.clientWidth * devicePixelRatio >= width);
  }

  function show() {
    const walk = now(), i = home.get("index"), { label, higher } = metric();
    const { format } = makeScale(state, metric()), { mean, low, high } = walk.errors[label], other = walk.nearest?.[label];
    const [a, b] = point(walk, i / (points - 1)).map(number), inside = Boolean(walk.inside[i]);

    for (const { input } of tabs) input.checked = input.value === walk.name;
    slider.value = i;
    give(slider, { "aria-valuetext": `a = ${a}, b = ${b}, ${inside ? "in" : "outside"} the hole` });
    map.draw(walk, i);
    graph();

    const laid = over.checked, mine = strips.get(walk);
    for (const { kind, title, canvas, name } of tiles) {
      const both = laid && kind !== "truth";
      name.textContent = both ? `${title.replace("training ", "")} over truth` : title;
      give(canvas, { "aria-label": `${name.textContent} at a = ${a}, b = ${b}` });
      if (ready) both ? drawOver(canvas, [mine.truth, mine[kind]], i) : drawPlain(canvas, mine[kind], i);
    }
    key.classList.toggle("vt-off", !laid);

    place.textContent = `a = ${a}, b = ${b}:`;
    where.textContent = inside ? "in the hole" : "outside the hole";
    where.className = inside ? "vt-in" : "vt-out";
    const spread = low ? ` (${format(low[i])} to ${format(high[i])})` : "";
    values.textContent = `${label} ${format(mean[i])}${spread}${other ? `, nearest training image ${format(other[i])}` : ""}.`;
    outcome.textContent = other ? OUTCOME[compare(walk, metric(), i)] : "";
    band.hidden = !low;
    copied.hidden = !other;
    sense.textContent = higher ? "higher is better" : "lower is better";

    const within = walk.inside.flatMap((yes, k) => (yes ? [k] : []));
    const count = (result) => within.filter((k) => compare(walk, metric(), k) === result).length;
    tally.textContent = `${walk.name} has ${within.length} of its ${points} points in the hole.`;
    if (other && within.length) tally.textContent += ` By ${label} the model beats the nearest training image at ${count(1)} of them and loses at ${count(-1)}${count(0) ? `; ${count(0)} ${count(0) > 1 ? "are" : "is"} too close to call` : ""}.`;

    clearTimeout(speak);
    speak = setTimeout(() => (heard.textContent = `${walk.name}, ${[place, where].map((node) => node.textContent).join(" ")}. ${values.textContent} ${outcome.textContent}}`), 600);
  }

  // A press takes the walk that is nearest, this one where several are; a drag keeps it.
  function dragged(node, find) {
    const move = (event, press) => home.set(find(event, press));
    node.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      node.setPointerCapture(event.pointerId);
      slider.focus({ preventScroll: true }); // so that the arrow keys go on from here
      event.preventDefault();
      move(event, true);
    });
    node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && move(event, false));
  }
  const nearest = (t) => Math.round(t * (points - 1));
  dragged(map.node, (event, press) => {
    const p = map.under(event), own = (walk) => walk === now();
    const found = walks.filter((walk) => press || own(walk)).map((walk) => project(walk, p));
    const best = found.reduce((one, two) => (two.off - 0.1 * own(two.walk) < one.off - 0.1 * own(one.walk) ? two : one));
    return { walk: best.walk.name, index: nearest(best.t) };
  });
  dragged(plot, (event) => {
    const box = plot.getBoundingClientRect();
    return { index: nearest(clamp((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0, 1)) };
  });
  for (const node of [over, choice]) node.addEventListener("change", show);

  const resize = () => (crisp(), graph());
  const size = new ResizeObserver(resize);
  size.observe(root);
  addEventListener("resize", crisp); // a zoom may change devicePixelRatio alone
  const unwatch = home.watch(show);
  show();
  const all = [...strips.values()].flatMap(Object.values).map((strip) => strip.decode());
  Promise.all(all).then(() => {
    ready = true;
    show();
    root.dataset.ready = "";
  });
  return () => {
    clearTimeout(speak);
    removeEventListener("resize", crisp);
    size.disconnect();
    unwatch();
  };
}

// ---- The two homes

function inKernel(model) {
  return {
    get: (name) => model.get(name),
    set(values) {
      for (const name in values) model.set(name, values[name]);
      model.save_changes();
    },
    watch(show) {
      const events = ["change:walk", "change:index"];
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
    watch: (show) => (tell = show),
  };
}

export default {
  async render({ model, el }) {
    const root = make("div", { class: "vaetut-transect", "data-live": "", "data-lm-suppress-shortcuts": "true" }, "Waiting for the kernel: run this cell.");
    el.append(root);
    const state = await new Promise((resolve) => {
      const listen = ({ kind, state }) => kind === "state" && (model.off("msg:custom", listen), resolve(state));
      model.on("msg:custom", listen);
      model.send({ kind: "state" });
    });
    return mount(root, state, inKernel(model));
  },
};

for (const root of document.querySelectorAll(".vaetut-transect:not([data-live])")) {
  const json = root.querySelector("script[type='application/json']");
  const state = json && JSON.parse(json.textContent);
  if (state) mount(root, state, inPage(state.start));
}
