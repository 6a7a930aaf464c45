// @ts-check
// A chart of curves along a slider, which lies under its axis.

import { dragged, give, make, QUIET, svg, text } from "./nodes.js";
import { clamp, fixed, minus } from "./numbers.js";
import { pathOf } from "./points.js";

// ---- A chart of curves along a slider, which lies under its axis

const LEFT = 46, RIGHT = 20, TOP = 12;
export const FLOOR = 176;

// `curves` are {kind, values}, of which the kind is a class; `marks` are [step, words, …],
// each of the words a line, which `letter` names; `under(x, y)` is what lies under curves.
export function makeChart(words, last, act) {
  const plot = svg("svg", { class: "vx-plot", role: "img" });
  const input = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": words, ...QUIET });
  input.addEventListener("input", () => act(Number(input.value)));
  dragged(plot, input, (event) => {
    const box = plot.getBoundingClientRect();
    act(Math.round(last * clamp((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0, 1)));
  });
  const node = make("div", { class: "vx-chart" }, plot, input);

  /** @param {any} what */
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

export const keyOf = (kind, words) => make("span", { class: `vx-mark ${kind}` }, words);
