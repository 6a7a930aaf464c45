// @ts-check
// The rotation explorer: shape and angle are the traits. The curves come from Python,
// of all points; the dots, a part of them, are turned here.

import { keyOf, makeChart } from "./chart.js";
import { announcer, chooser, dragged, give, make, svg, text } from "./nodes.js";
import { clamp, fixed, makeScale, unpack } from "./numbers.js";
import { pathOf } from "./points.js";

const BINS = 6, SIZE = 320, EDGE = 14;
const degrees = (angle) => (angle * Math.PI) / 180;

// The lines of a constant |μ1 μ2| = c within −1 … 1, in all four quadrants.
function hyperbolas(c, at) {
  const along = Array.from({ length: 25 }, (_, k) => c ** (1 - k / 24));
  return [[1, 1], [-1, 1], [-1, -1], [1, -1]].map(([p, q]) => pathOf(along.map((u) => at(p * u, (q * c) / u)))).join("");
}

function makeCloud() {
  const half = SIZE / 2 - EDGE, at = (u, v) => [SIZE / 2 + half * u, SIZE / 2 - half * v];
  const lines = svg("path", { class: "vr-equal" });
  const bins = Array.from({ length: BINS }, (_, k) => svg("path", { class: `vr-dots vr-b${k}` }));
  const arms = [[[-1.04, 0], [1.04, 0]], [[0, -1.04], [0, 1.04]]].map((arm) => svg("path", { class: "vr-axis", d: pathOf(arm.map((p) => at(...p))) }));
  const node = svg(
    "svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "vr-cloud vx-pad", role: "img" },
    svg("rect", { class: "vx-ground", x: 1, y: 1, width: SIZE - 2, height: SIZE - 2, rx: 5 }),
    lines, ...arms, ...bins,
    text(SIZE - 10, SIZE / 2 - 8, "μ₁", { class: "vx-name vx-end vr-letter" }), text(SIZE / 2 + 8, 18, "μ₂", { class: "vx-name vr-letter" }),
  );
  return {
    node,
    // From the cloud's middle to a pointer, as an angle in degrees.
    toward(event) {
      const box = node.getBoundingClientRect();
      return (Math.atan2(box.top + box.height / 2 - event.clientY, event.clientX - box.left - box.width / 2) * 180) / Math.PI;
    },
    draw({ points, reach, most }, angle) {
      const c = Math.cos(degrees(angle)), s = Math.sin(degrees(angle)), paths = Array.from(bins, () => "");
      for (let i = 0; i < points.length; i += 2) {
        const u = points[i] * c - points[i + 1] * s, v = points[i] * s + points[i + 1] * c;
        const [x, y] = at(u / reach, v / reach);
        paths[Math.min(BINS - 1, Math.floor((BINS * Math.abs(u * v)) / most))] += `M${x.toFixed(1)} ${y.toFixed(1)}h.01`;
      }
      bins.forEach((bin, k) => give(bin, { d: paths[k] }));
      const edges = Array.from({ length: BINS - 1 }, (_, k) => ((k + 1) * most) / BINS / reach ** 2);
      give(lines, { d: edges.filter((edge) => edge < 1).map((edge) => hyperbolas(edge, at)).join("") });
    },
  };
}

function mount(root, state, store) {
  const shapes = new Map(state.shapes.map((shape) => [shape.name, { ...shape, points: unpack(shape.dots) }]));
  const shape = chooser("Shape", [...shapes.keys()], (name) => store.set({ shape: name }));
  const turn = (angle) => store.set({ angle: Math.round(clamp(angle, 0, 90)) });
  const cloud = makeCloud(), chart = makeChart("Angle in degrees", 90, turn), heard = announcer();
  const now = make("p", { class: "vx-words vr-now" }), best = make("p", { class: "vx-words" });
  const most = make("span"), count = make("p", { class: "vx-small" });

  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make("div", { class: "vx-bar" }, shape.node),
    make(
      "div", { class: "vr-row" },
      make("div", {}, cloud.node, make("p", { class: "vr-scale vx-small" }, "|μ₁ μ₂| from 0 ", make("span", { class: "vr-ramp" }), " to ", most)),
      make(
        "div", {}, make("p", { class: "vx-legend" }, keyOf("vx-k0", "mean |μ₁ μ₂|"), keyOf("vx-k3", "covariance of μ₁ and μ₂")),
        chart.node, now, best, count,
      ),
    ),
    heard.node,
  ));

  // A drag turns the cloud with the hand, which may leave 0 … 90° and come back.
  let from, free;
  dragged(cloud.node, chart.input, (event, _, press) => {
    const to = cloud.toward(event);
    if (press) free = store.get("angle");
    else free += ((to - from + 540) % 360) - 180;
    from = to;
    turn(free);
  });

  function show() {
    const here = shapes.get(store.get("shape")), angle = store.get("angle"), { loss, covariance, correlation } = here;
    const scale = makeScale([...loss, ...covariance], 1), number = (v) => fixed(v, Math.max(3, scale.digits));
    const least = Math.min(...loss), lowest = loss.indexOf(least), high = Math.max(...loss);
    const flat = high - least < 0.01 * high;
    shape.select.value = here.name;
    cloud.draw(here, angle);
    give(cloud.node, { "aria-label": `The codes of ${here.name}, turned by ${angle}°` });
    chart.draw({
      curves: [{ kind: "vx-k0", values: loss }, { kind: "vx-k3", values: covariance }],
      scale: { ...scale, digits: Math.max(3, scale.digits) }, lowest: flat ? null : lowest,
      marks: [[0, "0°"], [45, "45°"], [90, "90°"]], label: `Mean of |μ1 μ2| and covariance over the angle, for ${here.name}`,
    }, angle);
    const words = `${angle}°: mean |μ1 μ2| ${number(loss[angle])}, covariance ${number(covariance[angle])}`;
    give(chart.input, { "aria-valuetext": `${angle}°` });
    now.replaceChildren(make("strong", {}, words), ` (correlation ${number(correlation[angle])})`);
    best.textContent = flat
      ? `It costs nearly the same at every angle: from ${number(least)} to ${number(high)}.`
      : `It is cheapest at ${lowest}°: ${number(least)}, against ${number(loss[0])} at 0°.`;
    most.textContent = `${Number(here.most.toPrecision(2))} and more`;
    count.textContent = `The curves are of ${here.n.toLocaleString("en")} points, of which ${(here.points.length / 2).toLocaleString("en")} are shown. Drag the cloud or the curve to turn it.`;
    heard.say(`${here.name}, ${words}`);
  }
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-rotation", label: "Rotation explorer", names: ["shape", "angle"], mount };
