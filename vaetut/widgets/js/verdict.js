// @ts-check
// What came of a training: numbers of its codes, as `verdict` in live_trainer.py has them,
// and the words for them.

import { fixed } from "./numbers.js";

/** Return the variance of every unit's means, (n, units). */
function variances(/** @type {Float64Array} */ mean, units) {
  return Array.from({ length: units }, (_, k) => {
    const own = mean.filter((_, i) => i % units === k), middle = own.reduce((p, q) => p + q, 0) / own.length;
    return own.reduce((sum, v) => sum + (v - middle) ** 2, 0) / own.length;
  });
}

function squaredCorrelation(x, y) {
  const n = x.length, mean = (v) => v.reduce((p, q) => p + q, 0) / n, mx = mean(x), my = mean(y);
  let xy = 0, xx = 0, yy = 0;
  for (let i = 0; i < n; i++) (xy += (x[i] - mx) * (y[i] - my)), (xx += (x[i] - mx) ** 2), (yy += (y[i] - my) ** 2);
  return xx && yy ? (xy * xy) / (xx * yy) : 0;
}

/** Return the SAP score of codes (n, units) for columns of factors: Kumar et al., 2018. */
export function sap(/** @type {Float64Array} */ mean, units, columns) {
  const lead = columns.map((column) => {
    const scores = Array.from({ length: units }, (_, k) => squaredCorrelation(mean.filter((_, i) => i % units === k), column));
    const [best, second] = scores.sort((p, q) => q - p);
    return best - second;
  });
  return lead.reduce((p, q) => p + q) / lead.length;
}

/** Return the share of samples farther from all codes than 99 % of codes are from others. */
export function gapShare(/** @type {ArrayLike<number>} */ codes, /** @type {ArrayLike<number>} */ samples, d) {
  const n = codes.length / d, m = samples.length / d;
  const nearest = (points, i, own) => {
    let least = Infinity;
    for (let j = 0; j < n; j++) {
      if (own && j === i) continue;
      let sum = 0;
      for (let k = 0; k < d; k++) sum += (points[i * d + k] - codes[j * d + k]) ** 2;
      if (sum < least) least = sum;
    }
    return Math.sqrt(least);
  };
  const apart = Array.from({ length: n }, (_, i) => nearest(codes, i, true)).sort((p, q) => p - q);
  const reach = apart[Math.min(n - 1, Math.floor(0.99 * n))];
  return Array.from({ length: m }, (_, i) => nearest(samples, i, false)).filter((v) => v > reach).length / m;
}

/**
 * Return what came of codes of stars: `factors` are their a and b.
 * @param {Float64Array} mean
 * @param {number[][]} factors
 */
export function judge(mean, units, factors, asleep) {
  const reach = Math.sqrt(mean.reduce((sum, v) => sum + v * v, 0) / mean.length);
  const active = Number.isFinite(reach) ? variances(mean, units).filter((v) => v > asleep).length : 0;
  if (!active) return { reach, active, sap: 0, diagonals: 0 };
  const [a, b] = [0, 1].map((k) => factors.map((p) => p[k]));
  const diagonals = [1, -1].map((sign) => factors.map(([a, b]) => a + sign * 0.75 * b));
  return { reach, active, sap: sap(mean, units, [a, b]), diagonals: sap(mean, units, diagonals) };
}

const GOOD = 0.8;

/** Say what came of a training, in sentences. */
export function wordsFor({ reach, active, sap, diagonals, gaps, far, done }, { beta, gamma, learned, units }) {
  if (far) {
    const size = Number.isFinite(reach) ? `they are ${fixed(reach, 0)} from 0 on average` : "they are no numbers any more";
    const floor = gamma < (-beta * units) / 2;
    return [
      `The codes ran away: at step ${done} ${size}, and the training was stopped.`,
      floor ? `With γ below −${units === 2 ? "" : "1.5 "}β the loss has no floor.` : "Give γ nearer to 0.",
    ];
  }
  if (!active) return ["Collapsed: no unit tells one star from another.", "At this β a code costs more than it is worth, and every star is drawn as their mean."];
  const words = [];
  if (active < units) words.push(`${active} of ${units} units are in use: the others cost more than they are worth.`);
  else if (!learned && reach < 0.5) words.push("The cloud is small, but no unit is off: while σ stays constant, that saves nothing.");
  if (active === units && units === 2) {
    const scores = `SAP ${fixed(sap)} for a and b, ${fixed(diagonals)} for the diagonals a ± ¾b`;
    const [name, good] = sap >= diagonals ? ["size a and petals b", sap] : ["the diagonals of the plane", diagonals];
    words.push(good >= GOOD ? `The units lie along ${name}: ${scores}.` : `The units lie between both pairs of axes: ${scores}.`);
  }
  words.push(`${Math.round(100 * gaps)} % of codes drawn from N(0, I) fall into gaps, where no star’s code is.`);
  return words;
}
