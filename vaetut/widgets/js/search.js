// @ts-check
// The best code of an image: a search without gradients.

/**
 * Return the point of least value that Nelder and Mead's simplex finds from `start` in
 * at most so many evaluations, and that value.
 * @param {(x: number[]) => number} value
 * @param {number[]} start
 */
export function leastFrom(value, start, size, most) {
  let count = 0;
  const at = (x) => ({ x, v: (count++, value(x)) }), line = (p, q, t) => at(p.map((v, k) => v + t * (q[k] - v)));
  const corners = [at(start), ...start.map((_, k) => at(start.map((v, i) => v + (i === k ? size : 0))))];
  const order = () => corners.sort((p, q) => p.v - q.v), last = corners.length - 1;
  for (order(); count < most; order()) {
    const worst = corners[last], middle = start.map((_, k) => corners.slice(0, last).reduce((sum, { x }) => sum + x[k] / last, 0));
    const mirrored = line(middle, worst.x, -1);
    if (mirrored.v < corners[0].v) {
      const beyond = line(middle, worst.x, -2);
      corners[last] = beyond.v < mirrored.v ? beyond : mirrored;
    } else if (mirrored.v < corners[last - 1].v) corners[last] = mirrored;
    else {
      const inside = mirrored.v < worst.v ? line(middle, mirrored.x, 0.5) : line(middle, worst.x, 0.5);
      if (inside.v < Math.min(worst.v, mirrored.v)) corners[last] = inside;
      else for (let k = 1; k <= last; k++) corners[k] = line(corners[0].x, corners[k].x, 0.5);
    }
  }
  return corners[0];
}
