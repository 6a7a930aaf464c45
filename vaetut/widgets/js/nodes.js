// @ts-check
// Nodes of a page, controls, light and dark, and images in strips.

// ---- Nodes

export function give(node, attributes = {}, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
export const make = (tag, ...rest) => give(document.createElement(tag), ...rest);
export const svg = (tag, ...rest) => give(document.createElementNS("http://www.w3.org/2000/svg", tag), ...rest);
export const text = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);
export const QUIET = { "data-lm-suppress-shortcuts": "true" };

// ---- Controls

export function slider(words, attributes, act) {
  const input = make("input", { type: "range", step: 1, ...QUIET, ...attributes }), output = make("output");
  input.addEventListener("input", () => act(Number(input.value)));
  return { input, output, node: make("label", { class: "vx-slider" }, make("span", {}, words), input, output) };
}

export function chooser(words, names, act) {
  const select = make("select", QUIET, ...names.map((name) => make("option", { value: name }, name)));
  select.addEventListener("change", () => act(select.value));
  return { select, node: make("label", { class: "vx-choice" }, make("span", {}, words), select) };
}

export function button(words, label, act) {
  const node = make("button", { type: "button", "aria-label": label, title: label, ...QUIET }, words);
  node.addEventListener("click", act);
  return node;
}

// What a screen reader is told, once the reader's hand rests.
export function announcer() {
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
export function dragged(node, focus, move, end) {
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
export function keyed(node, move, others = {}) {
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
export function isLight(node) {
  const { color } = getComputedStyle(node), parts = color.match(/[\d.]+/g).slice(0, 3).map(Number);
  return Math.max(...parts) > (color.startsWith("rgb") ? 127 : 0.5);
}

// Call `act` when the page's theme may have changed; return what ends that.
export function watchTheme(act) {
  const themes = new MutationObserver(act), attributeFilter = ["class", "data-theme", "data-jp-theme-light"];
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true, attributeFilter });
  return () => themes.disconnect();
}

// ---- Images of a walk as one strip, point 0 at the top

export function loadStrip(png) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  return image;
}

export function drawStrip(canvas, strip, i) {
  const { width, height } = canvas;
  canvas.getContext("2d").drawImage(strip, 0, i * height, width, height, 0, 0, width, height);
}

// Sharp where the screen has a dot a pixel at least; else dots of thin strokes would go.
export const crisp = (canvas) => canvas.classList.toggle("vx-crisp", canvas.clientWidth * devicePixelRatio >= canvas.width);

// Show anew, and say that it is ready, when all strips are decoded.
export function whenDecoded(root, strips, show) {
  Promise.all(strips.map((strip) => strip.decode())).then(() => {
    show();
    root.dataset.ready = "";
  });
}
