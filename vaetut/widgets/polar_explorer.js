// The polar explorer, in two homes. In Jupyter, anywidget calls `render`, and a, b and
// radius are the kernel's too. In a built page the inline script mounts every explorer.
// The curves are drawn here, as Python's polar.draw draws them.

// ---- The geometry

// White on black, with the same ink at every size. Browsers draw lines of a pixel too
// faint: so four times as large first, and then halved twice.
const sheet = document.createElement("canvas");
function drawStar(canvas, { limit, ink, petals, vertices }, a, b) {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return;
  let wide = side * (side < 512 ? 4 : 2);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  if (sheet.width !== wide) sheet.width = sheet.height = wide;
  const pen = sheet.getContext("2d"), scale = wide / (2 * limit);
  pen.fillRect(0, 0, wide, wide);
  pen.beginPath();
  for (let k = 0; k < vertices - 1; k++) {
    const theta = Math.PI * ((2 * k) / (vertices - 1) - 1), r = b * Math.cos(petals * theta) + a;
    pen.lineTo(wide / 2 + scale * r * Math.cos(theta), wide / 2 - scale * r * Math.sin(theta));
  }
  pen.closePath();
  Object.assign(pen, { strokeStyle: "#fff", lineWidth: wide * ink, lineJoin: "round" });
  pen.stroke();
  for (; wide > 2 * side; wide /= 2) pen.drawImage(sheet, 0, 0, wide, wide, 0, 0, wide / 2, wide / 2);
  canvas.getContext("2d").drawImage(sheet, 0, 0, wide, wide, 0, 0, side, side);
}

// Points packed as uint16 steps of the ranges of a and b: [[a, b], …].
function unpack({ n, data }, ranges) {
  const steps = new Uint16Array(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
  const at = (i, [low, high]) => low + (steps[i] / 65535) * (high - low);
  return Array.from({ length: n }, (_, i) => ranges.map((range, k) => at(2 * i + k, range)));
}

const apart = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
const within = ([low, high], x) => Math.min(high, Math.max(low, Math.round(100 * x) / 100));
const EDGE = 1e-9; // so that 1.55 − 1.25 is not more than 0.3

// ---- Words

const number = (x) => (x.toFixed(2) === "-0.00" ? "0.00" : x.toFixed(2).replace("-", "−"));
const count = (n) => n.toLocaleString("en");

function verdict(distance, radius, nearest) {
  const from = `the hole, ${number(distance)} from its centre`;
  const near = nearest < Infinity ? ` The nearest sample outside the hole is ${number(nearest)} away.` : "";
  if (distance <= radius + EDGE) return ["No", `It lies in ${from}: the model never sees it.${near}`];
  return ["Yes", `It lies outside ${from}.${near}`];
}

function shape(a, b) {
  if (b > a + EDGE) return `b > a: the radius goes negative, down to ${number(a - b)}. That draws five inner loops.`;
  if (b > a - EDGE) return "b = a: the radius just reaches 0. The petals meet in the middle.";
  if (b < EDGE) return `b = 0: the radius is ${number(a)} all around. A circle.`;
  return `b < a: the radius stays positive, from ${number(a - b)} to ${number(a + b)}. No inner loops.`;
}

// ---- Nodes

function give(node, attributes = {}, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const make = (tag, ...rest) => give(document.createElement(tag), ...rest);
const svg = (tag, ...rest) => give(document.createElementNS("http://www.w3.org/2000/svg", tag), ...rest);
const text = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);

// ---- The plane: a to the right, b upwards, a unit as long in both.

const UNIT = 160, LEFT = 34, TOP = 10, BOTTOM = 38;

function makePlane({ a: [a0, a1], b: [b0, b1], center, transects }) {
  const width = LEFT + UNIT * (a1 - a0) + 10, height = TOP + UNIT * (b1 - b0) + BOTTOM;
  const x = (a) => LEFT + UNIT * (a - a0), y = (b) => TOP + UNIT * (b1 - b);
  const at = ([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`;
  const ends = (p, q) => ({ x1: x(p[0]), y1: y(p[1]), x2: x(q[0]), y2: y(q[1]) });

  const loops = [[a0, a0], [a1, a1], [a1, b1], [a0, b1]].map(at).join();
  const marks = [
    ...[0.5, 1, 1.5, 2].map((a) => text(x(a), y(b0) + 16, a, { class: "vp-mid" })),
    ...[0, 0.5, 1, 1.5, 2].map((b) => text(x(a0) - 7, y(b) + 4, b, { class: "vp-end" })),
    text(x((a0 + a1) / 2), height - 5, "a", { class: "vp-letter vp-mid" }),
    text(9, y((b0 + b1) / 2) + 4, "b", { class: "vp-letter vp-mid" }),
  ];

  const lines = Object.entries(transects).flatMap(([name, [start, end]]) => {
    const back = 0.3 / apart(start, end); // where its name is
    const [px, py] = end.map((v, k) => v + back * (start[k] - v));
    return [
      svg("line", { class: "vp-transect", ...ends(start, end) }),
      text(x(px) + 5, y(py) - 5, name, { class: "vp-name" }),
    ];
  });

  const kept = svg("path", { class: "vp-kept" });
  const lost = svg("path", { class: "vp-lost" }), hollow = svg("path", { class: "vp-hollow" });
  const hole = svg("circle", { class: "vp-hole", cx: x(center[0]), cy: y(center[1]) });
  const name = text(x(center[0]), 0, "hole", { class: "vp-name vp-red" });
  const dot = svg("g", { class: "vp-dot" }, svg("circle", { r: 9 }), svg("circle", { r: 8 }));
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    svg("rect", { class: "vp-ground", x: x(a0), y: y(b1), width: UNIT * (a1 - a0), height: UNIT * (b1 - b0) }),
    svg("polygon", { class: "vp-loops", points: loops }),
    hole, kept, lost, hollow,
    svg("line", { class: "vp-equal", ...ends([a0, a0], [a1, a1]) }),
    ...["b > a:", "inner loops"].map((words, k) => text(x(a0) + 7, y(1.3) + 14 * k, words, { class: "vp-name vp-blue" })),
    ...lines, name, ...marks, dot,
  );

  const dots = (points) => points.map((p) => `M${at(p)}h.01`).join("");
  return {
    node,
    under(event) {
      const box = node.getBoundingClientRect(), scale = width / box.width;
      const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
      return [a0 + (px - LEFT) / UNIT, b1 - (py - TOP) / UNIT];
    },
    movePoint: ([a, b]) => give(dot, { transform: `translate(${x(a)} ${y(b)})` }),
    moveHole(radius, points) {
      hole.setAttribute("r", UNIT * radius);
      give(name, { x: x(center[0] + 0.71 * radius) + 4, y: y(center[1] - 0.71 * radius) + 11 });
      const inside = (p) => apart(p, center) <= radius + EDGE;
      give(kept, { d: dots(points.filter((p) => !inside(p))) });
      for (const path of [lost, hollow]) give(path, { d: dots(points.filter(inside)) });
    },
  };
}

// ---- The radius over θ, with what is below zero in the colour of the loops.

function makeWave({ a: [a0, a1], b: [, b1], petals }) {
  const width = 340, height = 128, left = 26, wide = 304, up = 20;
  const x = (theta) => left + (wide * (theta / Math.PI + 1)) / 2, y = (r) => 8 + up * (a1 + b1 - r);
  const low = y(a0 - b1);
  const wave = svg("path", { class: "vp-wave" }), below = svg("path", { class: "vp-below" });
  const mean = svg("line", { class: "vp-transect", x1: left, x2: left + wide });
  const meanName = text(left + wide + 3, 0, "a", { class: "vp-letter" });
  const swing = svg("line", { class: "vp-swing", x1: x(0), x2: x(0) });
  const swingName = text(x(0) + 14, 0, "b", { class: "vp-letter" });
  const node = svg(
    "svg", { viewBox: `0 0 ${width} ${height + 10}`, class: "vp-plot", role: "img" },
    svg("rect", { class: "vp-ground", x: left, y: 8, width: wide, height: low - 8 }),
    svg("svg", { x: 0, y: y(0), width, height: low - y(0) }, svg("g", { transform: `translate(0 ${-y(0)})` }, below)),
    svg("line", { class: "vp-zero", x1: left, x2: left + wide, y1: y(0), y2: y(0) }),
    mean, meanName, swing, swingName, wave,
    ...[0, 2, 4].map((r) => text(left - 6, y(r) + 4, r, { class: "vp-end" })),
    text(left, low + 15, "θ = −π"), text(x(0), low + 15, "0", { class: "vp-mid" }), text(left + wide, low + 15, "π", { class: "vp-end" }),
  );
  return {
    node,
    draw(a, b) {
      let d = "";
      for (let k = 0; k <= 200; k++) {
        const theta = Math.PI * (k / 100 - 1);
        d += `${k ? "L" : "M"}${x(theta).toFixed(1)} ${y(b * Math.cos(petals * theta) + a).toFixed(1)}`;
      }
      give(wave, { d });
      give(below, { d: `${d}L${x(Math.PI)} ${y(0)}L${x(-Math.PI)} ${y(0)}Z` });
      give(mean, { y1: y(a), y2: y(a) });
      give(meanName, { y: y(a) + 4 });
      give(swing, { y1: y(a), y2: y(a + b) });
      give(swingName, { y: y(a + b / 2) + 4, visibility: b < 0.5 ? "hidden" : "visible" });
      give(node, { "aria-label": `The radius over θ, from ${number(a - b)} to ${number(a + b)}` });
    },
  };
}

// ---- The explorer. `home` holds a, b and radius.

function mount(root, state, home) {
  const points = state.points ? unpack(state.points, [state.a, state.b]) : [];
  const shown = points.slice(0, state.dots);
  const plane = makePlane(state), wave = makeWave(state);

  const pad = make("div", {
    class: "vp-pad", tabindex: 0, role: "application",
    "aria-label": "Plane of a and b: arrow keys move the point, with Shift further",
    "data-lm-suppress-shortcuts": "true",
  }, plane.node);
  const image = make("canvas", { class: "vp-image", role: "img" });
  const answer = make("strong"), reason = make("span"), loops = make("p");
  const share = make("p", { class: "vp-small" });
  const heard = make("span", { class: "vp-heard", "aria-live": "polite" });

  const sliders = [["a", "a (size)"], ["b", "b (petals)"], ["radius", "hole radius"]].map(([name, words]) => {
    const [min, max] = state[name];
    const input = make("input", { type: "range", name, min, max, step: 0.01, "data-lm-suppress-shortcuts": "true" });
    const output = make("output");
    input.addEventListener("input", () => home.set({ [name]: Number(input.value) }));
    return { name, input, output, node: make("label", {}, make("span", {}, words), input, output) };
  });

  const dots = `Dots: ${count(shown.length)} of ${count(points.length)} sampled points; what the hole removes is hollow.`;
  root.replaceChildren(make(
    "div", { class: "vp-all" },
    make("div", { class: "vp-left" }, pad, make("p", { class: "vp-small" }, `Drag the point. ${points.length ? dots : ""}`)),
    make(
      "div", { class: "vp-right" },
      make("div", { class: "vp-look" }, image, make(
        "div", { class: "vp-words" },
        make("p", { class: "vp-question" }, "Would this image be in the punctured training set?"),
        make("p", {}, answer, " ", reason), loops,
      )),
      make("p", { class: "vp-title" }, `r = b cos ${state.petals}θ + a, blue where negative`), wave.node,
    ),
    make("div", { class: "vp-sliders" }, ...sliders.map(({ node }) => node), share), heard,
  ));
  give(root, { "data-live": "", role: "group", "aria-label": "Polar explorer" });

  let speak, holed, remaining = points;
  const star = () => drawStar(image, state, home.get("a"), home.get("b"));
  function show() {
    const [a, b, radius] = ["a", "b", "radius"].map(home.get);
    for (const { name, input, output } of sliders) {
      input.value = home.get(name);
      output.textContent = number(home.get(name));
    }
    if (radius !== holed) {
      holed = radius;
      plane.moveHole(radius, shown);
      remaining = points.filter((p) => apart(p, state.center) > radius + EDGE);
      const part = (Math.PI * radius ** 2) / 3; // of a plane of 1.5 × 2
      const area = `πr²/3 = ${(100 * part).toFixed(1)} %`;
      share.textContent = points.length
        ? `${count(points.length - remaining.length)} of ${count(points.length)} points lie in it. Its share of the plane, ${area}, predicts ${count(Math.round(part * points.length))}.`
        : `Its share of the plane is ${area}.`;
    }
    plane.movePoint([a, b]);
    star();
    wave.draw(a, b);
    const nearest = remaining.reduce((least, p) => Math.min(least, apart(p, [a, b])), Infinity);
    const [yes, why] = verdict(apart([a, b], state.center), radius, nearest);
    answer.textContent = yes;
    answer.className = yes === "No" ? "vp-no" : "vp-yes";
    reason.textContent = why;
    loops.textContent = shape(a, b);
    image.setAttribute("aria-label", `The star of a = ${number(a)}, b = ${number(b)}, white on black`);
    clearTimeout(speak);
    speak = setTimeout(() => (heard.textContent = `a ${number(a)}, b ${number(b)}. ${yes}. ${why} ${loops.textContent}`), 600);
  }

  const move = ([a, b]) => home.set({ a: within(state.a, a), b: within(state.b, b) });
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    pad.focus({ preventScroll: true });
    event.preventDefault();
    move(plane.under(event));
  });
  pad.addEventListener("pointermove", (event) => pad.hasPointerCapture(event.pointerId) && move(plane.under(event)));
  pad.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? 0.1 : 0.02;
    move([home.get("a") + way[0] * step, home.get("b") + way[1] * step]);
  });

  const size = new ResizeObserver(star);
  size.observe(image);
  addEventListener("resize", star); // a zoom may change devicePixelRatio alone
  const unwatch = home.watch(show);
  show();
  return () => {
    clearTimeout(speak);
    removeEventListener("resize", star);
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
      const events = ["change:a", "change:b", "change:radius"];
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
    const root = make("div", { class: "vaetut-polar", "data-live": "", "data-lm-suppress-shortcuts": "true" }, "Waiting for the kernel: run this cell.");
    el.append(root);
    const state = await new Promise((resolve) => {
      const listen = ({ kind, state }) => kind === "state" && (model.off("msg:custom", listen), resolve(state));
      model.on("msg:custom", listen);
      model.send({ kind: "state" });
    });
    return mount(root, state, inKernel(model));
  },
};

for (const root of document.querySelectorAll(".vaetut-polar:not([data-live])")) {
  const json = root.querySelector("script[type='application/json']");
  const state = json && JSON.parse(json.textContent);
  if (state) mount(root, state, inPage(state.start));
}
