// @ts-check
// The latent explorer. The point is the view's own: no trait holds it.

import { decoderOf, makeFrames } from "./decoding.js";
import { announcer, dragged, give, isLight, keyed, make, QUIET, slider, watchTheme } from "./nodes.js";
import { bytes, clamp, fixed, unquantise } from "./numbers.js";

// ---- Small helpers

const share = (x) => clamp(x, 0, 1);
const written = (code) => `(${code.slice(0, 4).map((x) => fixed(x)).join(", ")}${code.length > 4 ? ", …" : ""})`;
const mix = (a, b, t) => a.map((x, i) => x + (b[i] - x) * t);
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const CIVIDIS = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"].map(rgb);

function nearest(points, code) {
  const d = code.length;
  let best = -1, least = Infinity;
  for (let i = 0; i < points.length / d; i++) {
    let sum = 0;
    for (let k = 0; k < d && sum < least; k++) sum += (points[i * d + k] - code[k]) ** 2;
    if (sum < least) (least = sum), (best = i);
  }
  return best;
}

function ticks(low, high) {
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((f) => f * power >= rough) ?? 10);
  const all = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) all.push(Number((k * step).toPrecision(6)));
  return all;
}

// ---- One panel: the plane with its cloud (for two dimensions) and the image.

function makePanel(panel, state, move) {
  const plane = panel.limits.length === 2;
  const points = panel.cloud && unquantise(panel.cloud);
  const kinds = panel.kinds && bytes(panel.kinds);
  const close = panel.near && unquantise(panel.near);
  const codeAt = (position) => position.map((p, i) => panel.limits[i][0] + p * (panel.limits[i][1] - panel.limits[i][0]));
  const onPlane = (code, i) => (code - panel.limits[i][0]) / (panel.limits[i][1] - panel.limits[i][0]);

  const [height, width] = panel.image;
  const image = make("canvas", { class: "ve-image", role: "img", width, height });
  const say = make("p", { class: "ve-say" });
  const right = make("div", { class: "ve-right" }, make("div", { class: "ve-out" }, image, say));
  const left = make("div", { class: "ve-left" });
  if (panel.name) (plane ? left : right).prepend(make("p", { class: "ve-title" }, panel.name));
  const node = make("div", { class: "ve-panel" }, ...(plane ? [left, right] : [right]));

  // The nearest image: a cell of a sheet that the page carries.
  let sheet, small, shown;
  if (close) {
    sheet = Object.assign(new Image(), { src: state.sheets[panel.sheet] });
    sheet.onload = () => shown && showNearest(shown);
    small = make("canvas", { class: "ve-image", role: "img", width, height });
    right.append(make("div", { class: "ve-near" }, small, make("p", { class: "ve-say" }, panel.nearest)));
  }
  function showNearest(code) {
    if (!sheet.naturalWidth) return;
    const i = nearest(close, code), across = sheet.naturalWidth / width;
    const x = (i % across) * width, y = Math.floor(i / across) * height;
    small.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height);
    small.setAttribute("aria-label", panel.nearest);
  }

  // The plane.
  const pad = plane && make("div", {
    class: "ve-pad vx-pad", tabindex: 0, role: "application", "aria-roledescription": "latent plane",
    "aria-label": `Latent plane${panel.name ? ` of ${panel.name}` : ""}: arrow keys move the point, with Shift further`,
    ...QUIET,
  });
  const cloud = make("canvas", { "aria-hidden": "true" });
  const dot = make("div", { class: "ve-dot" });
  let at = [0.5, 0.5], labels = [];
  const place = () => pad && (dot.style.transform = `translate(${at[0] * pad.clientWidth}px, ${(1 - at[1]) * pad.clientHeight}px)`);

  function colourOf(i, dark) {
    let colour;
    if (panel.classes) colour = rgb(state.colours[i % state.colours.length]);
    else if (panel.values) {
      const t = (i / 255) * (CIVIDIS.length - 1), k = Math.min(Math.floor(t), CIVIDIS.length - 2);
      colour = mix(CIVIDIS[k], CIVIDIS[k + 1], t - k);
    } else colour = [110, 120, 140];
    const light = (colour[0] * 2 + colour[1] * 5 + colour[2]) / 8;
    if (dark && light < 95) colour = mix(colour, [255, 255, 255], 0.38);
    return `rgb(${colour.map(Math.round)})`;
  }

  function drawCloud() {
    if (!pad || !pad.clientWidth) return;
    const side = pad.clientWidth, sharp = Math.min(window.devicePixelRatio || 1, 3);
    cloud.width = cloud.height = side * sharp;
    const pen = cloud.getContext("2d");
    pen.scale(sharp, sharp);
    const dark = isLight(pad);
    pen.strokeStyle = pen.fillStyle = getComputedStyle(pad).color;
    pen.font = `10px ${getComputedStyle(pad).fontFamily}`;
    panel.limits.forEach(([low, high], i) => {
      for (const tick of ticks(low, high)) {
        const p = onPlane(tick, i), x = p * side, y = side - x;
        if (p < 0.02 || p > 0.98) continue;
        pen.globalAlpha = tick === 0 ? 0.28 : 0.1;
        pen.beginPath();
        if (i) pen.moveTo(0, y), pen.lineTo(side, y);
        else pen.moveTo(x, 0), pen.lineTo(x, side);
        pen.stroke();
        pen.globalAlpha = 0.6;
        const text = String(tick).replace("-", "−");
        if (i && p > 0.08) pen.fillText(text, 4, y - 3);
        if (!i && p > 0.08) pen.fillText(text, x + 3, side - 4);
      }
    });
    const radius = side < 260 ? 1.5 : 2;
    pen.globalAlpha = 0.7;
    const colours = new Map();
    for (let n = 0; points && n < points.length / 2; n++) {
      const kind = kinds ? kinds[n] : 0;
      if (!colours.has(kind)) colours.set(kind, colourOf(kind, dark));
      pen.fillStyle = colours.get(kind);
      pen.beginPath();
      pen.arc(onPlane(points[2 * n], 0) * side, side * (1 - onPlane(points[2 * n + 1], 1)), radius, 0, 7);
      pen.fill();
    }
    labels.forEach((label, k) => label.style.setProperty("--colour", colourOf(k, dark)));
    spread(side);
    place();
  }

  // Direct labels at the class medians, pushed apart where they would overlap.
  function spread(side) {
    const boxes = labels.map((label, k) => {
      const [x, y] = panel.classes[k].median.map(onPlane);
      return { label, w: label.offsetWidth, h: label.offsetHeight, x: x * side, y: (1 - y) * side };
    });
    const inside = (v, half) => Math.min(side - half - 2, Math.max(half + 2, v));
    for (let round = 0; round < 80; round++) {
      for (const a of boxes) for (const b of boxes) {
        const wide = (a.w + b.w) / 2 + 2 - Math.abs(a.x - b.x), tall = (a.h + b.h) / 2 + 1 - Math.abs(a.y - b.y);
        if (a === b || wide <= 0 || tall <= 0) continue;
        const way = a.y < b.y || (a.y === b.y && boxes.indexOf(a) < boxes.indexOf(b)) ? -1 : 1;
        (a.y += (way * tall) / 4), (b.y -= (way * tall) / 4);
      }
      for (const box of boxes) (box.x = inside(box.x, box.w / 2)), (box.y = inside(box.y, box.h / 2));
    }
    for (const { label, x, y, w, h } of boxes) label.style.transform = `translate(${x - w / 2}px, ${y - h / 2}px)`;
  }

  if (pad) {
    labels = (panel.classes ?? []).map(({ name }) => make("span", { class: "ve-label", "aria-hidden": "true" }, name));
    pad.append(cloud, ...labels, dot);
    left.append(pad);
    if (panel.values) {
      const stops = CIVIDIS.map((c) => `rgb(${c})`).join(",");
      const ends = panel.values.map((x) => fixed(x));
      left.append(
        make("div", { class: "ve-bar", style: `background:linear-gradient(90deg,${stops})` }),
        make("div", { class: "ve-ends" }, make("span", {}, ends[0]), make("span", {}, panel.values_name), make("span", {}, ends[1])),
      );
    }
    const toward = (event) => {
      const box = pad.getBoundingClientRect();
      move([share((event.clientX - box.left) / box.width), share(1 - (event.clientY - box.top) / box.height)]);
    };
    dragged(pad, pad, toward);
    keyed(pad, ([right, down], far) => {
      const step = far ? 0.1 : 0.02;
      move([share(at[0] + right * step), share(at[1] - down * step)]);
    });
  }

  return {
    node, pad, codeAt, drawCloud,
    moveTo: (position) => ((at = position), place()),
    // Draws a frame and says what it is; returns that for the live region.
    draw(pixels, code) {
      image.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
      shown = code;
      const lines = [`z = ${written(code)}`];
      if (points && panel.classes) lines.push(`nearest code: ${panel.classes[kinds[nearest(points, code)]].name}`);
      say.replaceChildren(...lines.map((line) => make("span", {}, line)));
      const text = lines.join(", ");
      image.setAttribute("aria-label", `Image decoded${panel.name ? ` by ${panel.name}` : ""} from ${text}`);
      if (close) showNearest(code);
      return (panel.name ? `${panel.name}: ` : "") + text;
    },
  };
}

// ---- The explorer: panels that share one position in [0, 1]^d.

function mount(root, state, store, model) {
  const gone = new AbortController();
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let position = state.position, playing = 0, along = 0;

  const panels = state.panels.map((panel) => makePanel(panel, state, (to) => (stop(), go(to))));
  const plane = position.length === 2;
  const kind = `${panels.length > 1 ? "ve-several" : "ve-one"}${plane ? "" : " ve-flat"}`;

  const sliders = state.sliders.map(({ dimension, name }) => {
    return { dimension, ...slider(name, { min: 0, max: 500 }, (value) => (stop(), go(position.with(dimension, value / 500)))) };
  });
  const play = make("button", { type: "button" });
  const reset = make("button", { type: "button" }, "Reset");
  const heard = announcer();
  const frames = makeFrames(root, decoderOf(model, state, (i) => state.panels[i].image), (images, { position }) => {
    const codes = panels.map((panel) => panel.codeAt(position));
    const text = panels.map((panel, i) => panel.draw(images[i], codes[i])).join("; ");
    root.dataset.codes = JSON.stringify(codes);
    if (!playing) heard.say(text);
  });
  give(frames.status, { class: "ve-say" });
  root.replaceChildren(make(
    "div", { class: kind },
    make("div", { class: "ve-panels" }, ...panels.map((p) => p.node)),
    make("div", { class: "ve-sliders" }, ...sliders.map((s) => s.node)),
    make("div", { class: "ve-buttons" }, play, reset, frames.status, heard.node),
  ));
  root.toggleAttribute("data-inverted", state.inverted);

  function go(to) {
    position = to;
    const codes = panels.map((panel) => panel.codeAt(to));
    for (const panel of panels) panel.moveTo(to);
    for (const { dimension, input, output } of sliders) {
      const values = codes.map((code) => fixed(code[dimension]));
      const shown = Math.round(to[dimension] * 500);
      if (Number(input.value) !== shown) input.value = shown;
      output.textContent = panels.length > 1 ? "" : values[0];
      input.setAttribute("aria-valuetext", values.map((v, i) => `${state.panels[i].name ?? ""} ${v}`.trim()).join(", "));
    }
    frames.ask({ position: to }, () => codes.map((code, i) => [i, code]));
  }

  // The path: a point on it for t in [0, 1), there and back unless it is closed.
  function pathAt(t) {
    const n = state.path.length - 1, s = state.closed ? t : 1 - Math.abs(1 - 2 * t);
    const i = Math.min(Math.floor(s * n), n - 1), f = s * n - i;
    return mix(state.path[i], state.path[i + 1], f);
  }
  function title() {
    play.textContent = calm.matches ? "Step" : playing ? "Pause" : "Play";
    play.title = calm.matches ? "One step along the path" : "Move along the path";
  }
  function stop() {
    if (playing) cancelAnimationFrame(playing);
    playing = 0;
    title();
  }
  play.addEventListener("click", () => {
    if (calm.matches) return (along = (along + 1 / 24) % 1), go(pathAt(along));
    if (playing) return stop();
    let before = performance.now();
    const tick = (now) => {
      along = (along + Math.max(0, now - before) / 1000 / state.seconds) % 1;
      before = now;
      playing = requestAnimationFrame(tick);
      if (!frames.busy()) go(pathAt(along));
    };
    playing = requestAnimationFrame(tick);
    title();
  });
  reset.addEventListener("click", () => (stop(), (along = 0), go(state.position)));
  calm.addEventListener("change", stop, { signal: gone.signal });

  // What the page changes: size, theme, out of sight.
  const redraw = () => requestAnimationFrame(() => panels.forEach((panel) => panel.drawCloud()));
  const unwatch = watchTheme(redraw), sight = new IntersectionObserver(([e]) => e.isIntersecting || stop());
  sight.observe(root);

  title();
  return {
    show: () => go(position),
    resize: redraw,
    sized: panels.map(({ pad }) => pad).filter(Boolean),
    close() {
      stop();
      heard.close();
      gone.abort();
      unwatch();
      sight.disconnect();
      frames.close();
    },
  };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-widget", label: "Latent explorer", names: [], mount };
