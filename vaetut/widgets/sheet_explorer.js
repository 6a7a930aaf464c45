// The sheet explorer, in two homes. In Jupyter, anywidget calls `render`, and transect,
// index, azimuth and elevation are the kernel's too. In a built page the inline script
// mounts every explorer. Dots are drawn on a canvas; lines and markers are SVG, so that
// their colours are the style's.

// ---- Geometry

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Codes packed as int16 steps, in the sheet's own frame, where their reach is 1.
function unpack(text, { span, frame }) {
  const steps = new Int16Array(bytes(text).buffer), points = new Float32Array(steps.length);
  for (let i = 0; i < steps.length; i += 3)
    for (let row = 0; row < 3; row++)
      for (let k = 0; k < 3; k++) points[i + row] += (frame[row][k] * span * steps[i + k]) / 32767;
  return points;
}

// What turns a point into what is seen of it: to the right, up, and towards the eye.
function turned(azimuth, elevation) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  const [ca, sa, ce, se] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
  return [ca, -sa, 0, sa * se, ca * se, ce, -sa * ce, -ca * ce, se];
}

// Write [x, y, depth] of each point into `seen`: pixels, and depth from −1 to 1.
function project(points, { matrix: m, distance, scale, x, y }, seen = new Float32Array(points.length)) {
  for (let i = 0; i < points.length; i += 3) {
    const u = points[i], v = points[i + 1], w = points[i + 2];
    const near = m[6] * u + m[7] * v + m[8] * w, grown = (scale * distance) / (distance - near);
    seen[i] = x + grown * (m[0] * u + m[1] * v + m[2] * w);
    seen[i + 1] = y - grown * (m[3] * u + m[4] * v + m[5] * w);
    seen[i + 2] = near;
  }
  return seen;
}

function pathOf(seen) {
  let d = "";
  for (let i = 0; i < seen.length; i += 3) d += `${i ? "L" : "M"}${seen[i].toFixed(1)} ${seen[i + 1].toFixed(1)}`;
  return d;
}

const within = (low, high, x) => Math.min(high, Math.max(low, x));
const round = (degrees) => Math.round(10 * degrees) / 10;
const wrap = (degrees) => degrees - 360 * Math.round(degrees / 360);

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
    const level = within(0, LEVELS - 1, Math.floor(((seen[3 * i + 2] + 0.9) / 1.8) * LEVELS));
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

const number = (x) => (x.toFixed(2) === "-0.00" ? "0.00" : x.toFixed(2).replace("-", "−"));

function wordsOf({ name, factors, inside }, index, names) {
  const values = names.map((factor, k) => `${factor} = ${number(factors[index][k])}`).join(", ");
  return `${name}, point ${index + 1} of ${factors.length}: ${values}, ${inside[index] ? "in" : "outside"} the hole`;
}

// ---- Nodes

function give(node, attributes = {}, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const make = (tag, ...rest) => give(document.createElement(tag), ...rest);
const svg = (tag, ...rest) => give(document.createElementNS("http://www.w3.org/2000/svg", tag), ...rest);
const QUIET = { "data-lm-suppress-shortcuts": "true" };
const MARKS = ["M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z", "M-4.5-4.5H4.5V4.5H-4.5Z", "M0-6L6 0L0 6L-6 0Z"];

function button(words, label, act) {
  const node = make("button", { type: "button", "aria-label": label, title: label, ...QUIET }, words);
  node.addEventListener("click", act);
  return node;
}

// Put a text's middle at a place, or where it still lies within the plot.
function label(node, x, y, half, view) {
  give(node, { x: within(half, 2 * view.x - half, x), y: within(10, 2 * view.y - 10, y) + 4 });
}

// A line on the sheet: what a kind of path, of one class each, is drawn along.
function line(points, ...classes) {
  const paths = classes.map((name) => svg("path", { class: name }));
  const seen = new Float32Array(points.length);
  return {
    paths,
    move(view) {
      const d = pathOf(project(points, view, seen));
      for (const path of paths) path.setAttribute("d", d);
    },
  };
}

// A transect: its line, markers and name; `seen` is where its codes are.
function makeTransect(transect, k, state) {
  const points = unpack(transect.codes, state), seen = new Float32Array(points.length);
  const halo = svg("path", { class: "vs-halo" }), path = svg("path", { class: "vs-path" });
  const marks = transect.inside.map((inside) => svg("path", { class: inside ? "vs-mark vs-inside" : "vs-mark", d: MARKS[k] }));
  const name = svg("text", { class: "vs-name" }, transect.name);
  const sprite = new Image();
  sprite.src = `data:image/png;base64,${transect.sprite}`;
  return {
    ...transect, seen, sprite, marks,
    node: svg("g", { class: `vs-transect vs-t${k}` }, halo, path, ...marks, name),
    move(view, chosen, index) {
      project(points, view, seen);
      const d = pathOf(seen);
      halo.setAttribute("d", d);
      path.setAttribute("d", d);
      marks.forEach((mark, i) => {
        const size = !chosen ? 0.55 : i === index ? 1.6 : 1;
        mark.setAttribute("transform", `translate(${seen[3 * i].toFixed(1)} ${seen[3 * i + 1].toFixed(1)}) scale(${size})`);
      });
      const end = seen.length - 3, out = Math.hypot(seen[end] - seen[end - 3], seen[end + 1] - seen[end - 2]) || 1;
      const [dx, dy] = [0, 1].map((c) => (15 * (seen[end + c] - seen[end + c - 3])) / out);
      label(name, seen[end] + dx, seen[end + 1] + dy, 13, view);
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

// ---- The explorer. `home` holds transect, index, azimuth and elevation.

function mount(root, state, home) {
  const { names } = state;
  const codes = unpack(state.codes, state), seen = new Float32Array(codes.length);
  const n = codes.length / 3, factors = bytes(state.shades), nexts = new Int32Array(n);
  const transects = state.transects.map((transect, k) => makeTransect(transect, k, state));
  const grid = state.grid.map((text) => line(unpack(text, state), "vs-grid"));
  const edges = Object.entries(state.edges).map(([label, text]) => {
    const kind = label.includes("hole") ? "vs-hole" : "vs-edge";
    return { label, kind, ...line(unpack(text, state), `${kind}-ground`, "vs-halo", kind) };
  });
  const sides = state.sides.map(([words, text]) => ({ point: unpack(text, state), node: svg("text", { class: "vs-side" }, words) }));
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
    class: "vs-pad", tabindex: 0, role: "application",
    "aria-label": `The codes of ${n.toLocaleString("en")} images in latent space: arrow keys turn them, plus and minus zoom`, ...QUIET,
  }, back, canvas, front);

  const pairs = Array.from({ length: 7 }, () => makePair((index) => home.set({ index })));
  const strip = make("div", { class: "vs-strip", "aria-hidden": "true" }, make("div", { class: "vs-heads" }, make("span", {}, "true"), make("span", {}, "model")), ...pairs.map(({ node }) => node));
  const ties = pairs.map(() => svg("line"));
  const leads = svg("svg", { class: "vs-leads", "aria-hidden": "true" }, ...ties);
  const words = make("p", { class: "vs-words", "aria-live": "polite" });

  const radios = transects.map(({ name }, k) => {
    const input = make("input", { type: "radio", name: "transect", value: name, ...QUIET });
    input.addEventListener("change", () => home.set({ transect: name, index: within(0, transects[k].factors.length - 1, home.get("index")) }));
    const mark = svg("svg", { viewBox: "-8 -8 16 16", class: `vs-swatch vs-t${k}` }, svg("path", { class: "vs-mark", d: MARKS[k] }));
    return { input, node: make("label", {}, input, mark, name) };
  });
  const slider = make("input", { type: "range", min: 0, step: 1, ...QUIET });
  slider.addEventListener("input", () => home.set({ index: Number(slider.value) }));

  const select = make("select", { name: "colour", "aria-label": "Colour", ...QUIET }, ...[...names, ""].map((name) => make("option", { value: name }, name || "neither")));
  select.value = state.colour;
  const bar = make("span", { class: "vs-bar" }), ends = [make("span"), make("span")];
  const scale = make("span", { class: "vs-scale" }, ends[0], bar, ends[1]);
  const turning = make("input", { type: "checkbox", name: "turning", ...QUIET });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const legend = edges.map(({ label, kind }) => make("span", {}, svg("svg", { viewBox: "0 0 22 8" }, svg("path", { class: kind, d: "M0 4H22" })), label));
  if (transects.length) legend.push(make("span", {}, svg("svg", { viewBox: "-11 -8 22 16" }, svg("path", { class: "vs-mark vs-inside", d: MARKS[0] })), "point in the hole"));

  let zoom = 1;
  const zoomBy = (factor) => {
    zoom = within(0.5, 8, zoom * factor);
    show();
  };
  const reset = () => {
    zoom = 1;
    home.set({ ...state.view });
  };
  const turn = (right, down) => home.set({
    azimuth: round(wrap(home.get("azimuth") + right)),
    elevation: round(within(-90, 90, home.get("elevation") + down)),
  });

  const form = make(
    "form", { class: "vs-form" },
    make("fieldset", { class: "vs-choice" }, make("legend", {}, "Transect"), ...radios.map(({ node }) => node)),
    make("label", { class: "vs-slider" }, make("span", {}, "Point"), slider), words,
    make("div", { class: "vs-row" }, make("label", {}, "Colour ", select), scale),
    make("div", { class: "vs-row vs-view" }, button("−", "Zoom out", () => zoomBy(1 / 1.25)), button("+", "Zoom in", () => zoomBy(1.25)), button("Reset view", "Reset view", reset), make("label", {}, turning, " Turn by itself")),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  if (!transects.length) for (const node of [strip, leads, ...form.querySelectorAll(".vs-choice, .vs-slider, .vs-words")]) node.remove();
  const stage = make("div", { class: "vs-stage" }, pad, ...(transects.length ? [strip, leads] : []));
  root.replaceChildren(make("div", { class: "vs-all" }, stage, make("p", { class: "vs-legend" }, ...legend, make("span", { class: "vs-hint" }, "Drag to turn.")), form));
  give(root, { "data-live": "", role: "group", "aria-label": "Sheet explorer" });

  // ---- Drawing, at most once a frame

  let colours, shades, order, width = 0, height = 0, beside = false, turnedOver = false, shown, frame;
  function paint() { // after another choice of colour, or theme
    const k = names.indexOf(select.value);
    const ink = getComputedStyle(root).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    const dark = Math.max(...ink) > (getComputedStyle(root).color.startsWith("rgb") ? 127 : 0.5);
    colours = k < 0 ? [dark ? "#999" : "#777"] : shadesOn(dark);
    shades = Uint8Array.from({ length: n }, (_, i) => (k < 0 ? 0 : (factors[2 * i + k] * SHADES) >> 8));
    order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => shades[i] - shades[j]);
    scale.hidden = k < 0;
    if (k >= 0) {
      ends.forEach((end, e) => (end.textContent = state.ranges[k][e].toFixed(1).replace("-", "−")));
      bar.style.background = `linear-gradient(90deg, ${colours})`;
    }
    ask();
  }

  const ask = () => (frame ??= requestAnimationFrame(draw));
  function draw() {
    frame = null;
    if (!width) return;
    const view = {
      matrix: turned(home.get("azimuth"), home.get("elevation")), distance: state.distance,
      scale: 0.45 * Math.min(width, 1.1 * height) * zoom, x: width / 2, y: height / 2,
    };
    drawDots(canvas, project(codes, view, seen), order, shades, colours, devicePixelRatio, nexts);
    for (const part of [...grid, ...edges]) part.move(view);
    for (const { point, node } of sides) {
      const [x, y] = project(point, view), away = Math.hypot(x - view.x, y - view.y) || 1;
      label(node, x + (30 * (x - view.x)) / away, y + (17 * (y - view.y)) / away, 28, view);
    }
    const corner = { ...view, scale: 24, x: 44, y: height - 42 };
    for (const { along, arm, name } of axes) {
      const [x, y] = project(along, corner), far = project(along.map((v) => 1.4 * v), corner);
      give(arm, { x1: corner.x, y1: corner.y, x2: x, y2: y });
      give(name, { x: far[0], y: far[1] + 4 });
    }
    const chosen = home.get("transect"), index = home.get("index");
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
    const chosen = home.get("transect"), index = home.get("index");
    const k = transects.findIndex(({ name }) => name === chosen);
    Object.assign(root.dataset, { azimuth: home.get("azimuth"), elevation: home.get("elevation"), zoom: zoom.toFixed(2), transect: chosen, index });
    if (k >= 0) {
      radios[k].input.checked = true;
      slider.max = transects[k].factors.length - 1;
      slider.value = index;
      const text = wordsOf(transects[k], Math.min(index, slider.max), names);
      if (words.textContent !== text) words.textContent = text;
      slider.setAttribute("aria-valuetext", text);
      stage.className = form.className = "";
      stage.classList.add("vs-stage", `vs-t${k}`);
      form.classList.add("vs-form", `vs-t${k}`);
      if (front.lastChild !== transects[k].node) front.append(transects[k].node);
    }
    ask();
  }

  // ---- Moving

  let last = null, moved = 0;
  pad.addEventListener("pointerdown", (event) => {
    if (event.button || last) return;
    last = [event.clientX, event.clientY];
    moved = 0;
    pad.setPointerCapture(event.pointerId);
    pad.focus({ preventScroll: true });
  });
  pad.addEventListener("pointermove", (event) => {
    if (!last || !pad.hasPointerCapture(event.pointerId)) return;
    const [right, down] = [event.clientX - last[0], event.clientY - last[1]];
    moved += Math.hypot(right, down);
    if (moved < 4) return; // a click whose hand trembles
    last = [event.clientX, event.clientY];
    turn(0.5 * right, 0.5 * down);
  });
  pad.addEventListener("pointerup", (event) => {
    if (last && moved < 4) pick(event);
    last = null;
  });
  pad.addEventListener("pointercancel", () => (last = null));

  function pick(event) { // the marker under the pointer; the chosen transect's first
    const box = pad.getBoundingClientRect(), reach = event.pointerType === "touch" ? 22 : 12;
    let best = null, least = reach;
    for (const { name, seen, factors } of transects)
      for (let i = 0; i < factors.length; i++) {
        let apart = Math.hypot(seen[3 * i] - event.clientX + box.left, seen[3 * i + 1] - event.clientY + box.top);
        if (name === home.get("transect")) apart -= 2;
        if (apart < least) [best, least] = [{ transect: name, index: i }, apart];
      }
    if (best) home.set(best);
  }

  pad.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 15 : 5;
    const act = {
      ArrowLeft: () => turn(-step, 0), ArrowRight: () => turn(step, 0),
      ArrowUp: () => turn(0, -step), ArrowDown: () => turn(0, step),
      "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(1 / 1.25), Home: reset,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  pad.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    zoomBy(Math.exp(-within(-60, 60, event.deltaY) / 200));
  }, { passive: false });

  // By itself only where it was asked to, and where the system does not ask for rest.
  let ahead, before;
  function onward(now) {
    ahead = turning.checked ? requestAnimationFrame(onward) : null;
    if (before && !last) turn(within(0, 3, (now - before) * 0.012) || 0, 0);
    before = turning.checked ? now : null;
  }
  turning.addEventListener("change", () => turning.checked && (ahead ??= requestAnimationFrame(onward)));
  const calm = () => {
    turning.disabled = still.matches;
    turning.parentNode.title = still.matches ? "Your system asks for less motion." : "";
    if (still.matches) turning.checked = false;
  };

  select.addEventListener("change", paint);
  for (const { sprite } of transects) sprite.addEventListener("load", ask);
  still.addEventListener("change", calm);
  const themes = new MutationObserver(paint);
  for (const node of [document.documentElement, document.body])
    themes.observe(node, { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-light"] });
  const size = new ResizeObserver(fit);
  size.observe(stage);
  size.observe(pad);
  addEventListener("resize", fit); // a zoom may change devicePixelRatio alone
  const unwatch = home.watch(show);
  calm();
  paint();
  show();
  return () => {
    cancelAnimationFrame(frame);
    cancelAnimationFrame(ahead);
    turning.checked = false;
    still.removeEventListener("change", calm);
    removeEventListener("resize", fit);
    themes.disconnect();
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
      const events = ["transect", "index", "azimuth", "elevation"].map((name) => `change:${name}`);
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
    const root = make("div", { class: "vaetut-sheet", "data-live": "", ...QUIET }, "Waiting for the kernel: run this cell.");
    el.append(root);
    const state = await new Promise((resolve) => {
      const listen = ({ kind, state }) => kind === "state" && (model.off("msg:custom", listen), resolve(state));
      model.on("msg:custom", listen);
      model.send({ kind: "state" });
    });
    return mount(root, state, inKernel(model));
  },
};

for (const root of document.querySelectorAll(".vaetut-sheet:not([data-live])")) {
  const json = root.querySelector("script[type='application/json']");
  const state = json && JSON.parse(json.textContent);
  if (state) mount(root, state, inPage(state.start));
}
