// @ts-check
// Points in space and in the plane, and paths along them.

import { give } from "./nodes.js";
import { clamp } from "./numbers.js";

// ---- Points, flat [x, y, z, x, y, z, …]

// What turns a point into what is seen of it: to the right, up, and towards the eye.
export function turned(azimuth, elevation) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  const [ca, sa, ce, se] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
  return [ca, -sa, 0, sa * se, ca * se, ce, -sa * ce, -ca * ce, se];
}

// Turn a store's view by degrees.
export function turnView(store, right, down) {
  const azimuth = store.get("azimuth") + right, elevation = clamp(store.get("elevation") + down, -90, 90);
  const [a, e] = [azimuth - 360 * Math.round(azimuth / 360), elevation].map((degrees) => Math.round(10 * degrees) / 10);
  store.set({ azimuth: a, elevation: e });
}

// Write [x, y, depth] of each point into `seen`: pixels, and as far as the points reach.
// Lines that are parallel stay so, unless the eye is at a distance.
export function project(points, { matrix: m, scale, x, y, distance = Infinity }, seen = new Float32Array(points.length)) {
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
export const pathOf = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// The path along what `project` returns.
export const pathAlong = (seen) => pathOf(Array.from({ length: seen.length / 3 }, (_, k) => seen.slice(3 * k, 3 * k + 2)));

// Put a text's middle at a place, or where it still lies within the plot.
export const putName = (node, x, y, half, view) => give(node, { x: clamp(x, half, 2 * view.x - half), y: clamp(y, 10, 2 * view.y - 10) + 4 });

// Marks that differ in shape, about 5 from the middle.
export const MARKS = ["M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z", "M-4.5-4.5H4.5V4.5H-4.5Z", "M0-6L6 0L0 6L-6 0Z"];
