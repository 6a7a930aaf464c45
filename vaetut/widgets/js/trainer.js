// @ts-check
// A VAE of rows of numbers, trained in the page: tanh, one hidden layer on either side,
// as `DenseVAE` in vaetut/widgets/live_trainer.py has it in Keras.

import { normals, shuffle, uniforms } from "./random.js";

/**
 * What is trained, and how. All terms of the loss are nats a row.
 * @typedef {object} Recipe
 * @property {Float64Array} rows  (n, width), of which the loss is the mean
 * @property {number} width
 * @property {number} hidden  units of each hidden layer
 * @property {number} units  of the code
 * @property {number} noise  the standard deviation of a row's numbers, given the code
 * @property {number | null} sd  of all codes; null: learned, one a unit of each code
 * @property {number} beta  of the KL divergence
 * @property {number} gamma  of the mean of |μ_i μ_j| over pairs of units
 * @property {number} rate  Adam's, at the start; it falls to 0 as a cosine
 * @property {number} steps
 * @property {number} batch  rows a step; a multiple of 4
 * @property {number} seed
 */

/** @typedef {{reconstruction: number, kl: number, entanglement: number, total: number}} Terms */

const BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-7; // Adam's, as Keras has them

/**
 * C = A B. A's rows are `ai` apart and its columns `ak`, B's `bk` and `bj`: so that
 * either may be turned over. Nearly all the time of a training is spent here: blocks of
 * 4 × 2 sums stay in registers.
 */
function multiply(A, ai, ak, B, bk, bj, C, rows, inner, columns) {
  const even = columns - (columns % 2);
  for (let i = 0; i < rows; i += 4) {
    for (let j = 0; j < even; j += 2) {
      let p = i * ai, q = j * bj, c00 = 0, c01 = 0, c10 = 0, c11 = 0, c20 = 0, c21 = 0, c30 = 0, c31 = 0;
      for (let k = 0; k < inner; k++, p += ak, q += bk) {
        const b0 = B[q], b1 = B[q + bj], a0 = A[p], a1 = A[p + ai], a2 = A[p + 2 * ai], a3 = A[p + 3 * ai];
        c00 += a0 * b0, c01 += a0 * b1, c10 += a1 * b0, c11 += a1 * b1;
        c20 += a2 * b0, c21 += a2 * b1, c30 += a3 * b0, c31 += a3 * b1;
      }
      let o = i * columns + j;
      C[o] = c00, C[o + 1] = c01, o += columns;
      C[o] = c10, C[o + 1] = c11, o += columns;
      C[o] = c20, C[o + 1] = c21, o += columns;
      C[o] = c30, C[o + 1] = c31;
    }
  }
  for (let j = even; j < columns; j++)
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += A[i * ai + k * ak] * B[k * bk + j * bj];
      C[i * columns + j] = sum;
    }
}

/** Add the sums over rows of Y (n, width). */
function sumRows(Y, width, into) {
  into.fill(0);
  for (let i = 0, k = 0; i < Y.length; i++, k = k + 1 === width ? 0 : k + 1) into[k] += Y[i];
}

function addRow(Y, row) {
  for (let i = 0, k = 0; i < Y.length; i++, k = k + 1 === row.length ? 0 : k + 1) Y[i] += row[k];
}

function squash(Y) {
  for (let i = 0; i < Y.length; i++) Y[i] = Math.tanh(Y[i]);
}

/** The gradient of tanh's input: that of its output times 1 − output². */
function unsquash(G, Y) {
  for (let i = 0; i < G.length; i++) G[i] *= 1 - Y[i] * Y[i];
}

/**
 * Return a training, at its start.
 * @param {Recipe} recipe
 */
export function makeTrainer({ rows, width, hidden, units, noise, sd, beta, gamma, rate, steps, batch, seed }) {
  const heads = sd === null ? 2 * units : units, n = rows.length / width, pairs = (units * (units - 1)) / 2;
  const shapes = [[width, hidden], [hidden, heads], [units, hidden], [hidden, width]];
  const length = shapes.reduce((sum, [a, b]) => sum + (a + 1) * b, 0);
  const weights = new Float64Array(length), gradient = new Float64Array(length);

  /** Kernels and biases, one after the other, as views of all weights. */
  function views(/** @type {Float64Array} */ all) {
    let at = 0;
    const take = (size) => all.subarray(at, (at += size));
    return shapes.flatMap(([a, b]) => [take(a * b), take(b)]);
  }
  const [w1, b1, w2, b2, w3, b3, w4, b4] = views(weights), [g1, h1, g2, h2, g3, h3, g4, h4] = views(gradient);

  const uniform = uniforms(seed), normal = normals(uniform);
  [w1, w2, w3, w4].forEach((kernel, k) => { // Glorot and Bengio, 2010, as Keras
    const limit = Math.sqrt(6 / (shapes[k][0] + shapes[k][1]));
    for (let i = 0; i < kernel.length; i++) kernel[i] = limit * (2 * uniform() - 1);
  });

  /** Buffers for m rows. */
  const buffers = (m) => ({
    m, a: new Float64Array(m * hidden), heads: new Float64Array(m * heads), z: new Float64Array(m * units),
    c: new Float64Array(m * hidden), y: new Float64Array(m * width),
  });

  function encode(x, { m, a, heads: out }) {
    multiply(x, width, 1, w1, hidden, 1, a, m, width, hidden);
    addRow(a, b1);
    squash(a);
    multiply(a, hidden, 1, w2, heads, 1, out, m, hidden, heads);
    addRow(out, b2);
  }

  function decode({ m, z, c, y }) {
    multiply(z, units, 1, w3, hidden, 1, c, m, units, hidden);
    addRow(c, b3);
    squash(c);
    multiply(c, hidden, 1, w4, width, 1, y, m, hidden, width);
    addRow(y, b4);
  }

  const logVar = (out, i, k) => (sd === null ? out[i * heads + units + k] : 2 * Math.log(sd));

  function draw({ m, heads: out, z }, /** @type {Float64Array} */ epsilon) {
    for (let i = 0; i < m; i++)
      for (let k = 0; k < units; k++) z[i * units + k] = out[i * heads + k] + Math.exp(0.5 * logVar(out, i, k)) * epsilon[i * units + k];
  }

  /** @returns {Terms} the means over rows */
  function loss(x, { m, heads: out, y }) {
    let reconstruction = 0, kl = 0, entanglement = 0;
    for (let i = 0; i < x.length; i++) reconstruction += (y[i] - x[i]) ** 2;
    for (let i = 0; i < m; i++)
      for (let k = 0; k < units; k++) {
        const mean = out[i * heads + k], s = logVar(out, i, k);
        kl += 0.5 * (mean * mean + Math.exp(s) - s - 1);
        for (let j = 0; j < k; j++) entanglement += Math.abs(mean * out[i * heads + j]);
      }
    reconstruction /= 2 * noise * noise * m, kl /= m, entanglement /= pairs * m;
    return { reconstruction, kl, entanglement, total: reconstruction + beta * kl + gamma * entanglement };
  }

  const work = buffers(batch), x = new Float64Array(batch * width), epsilon = new Float64Array(batch * units);
  const dHeads = new Float64Array(batch * heads), dHidden = new Float64Array(batch * hidden), dz = new Float64Array(batch * units);

  /** Put the gradient of the loss of `x` into `gradient`. The last pass forward counts. */
  function backward() {
    const { m, a, heads: out, z, c, y } = work;
    const scale = 1 / (noise * noise * m);
    for (let i = 0; i < y.length; i++) y[i] = (y[i] - x[i]) * scale;
    multiply(c, 1, hidden, y, width, 1, g4, hidden, m, width);
    sumRows(y, width, h4);
    multiply(y, width, 1, w4, 1, width, dHidden, m, width, hidden);
    unsquash(dHidden, c);
    g3.fill(0);
    for (let i = 0; i < m; i++)
      for (let k = 0; k < units; k++) {
        const code = z[i * units + k];
        let sum = 0;
        for (let j = 0; j < hidden; j++) {
          const d = dHidden[i * hidden + j];
          g3[k * hidden + j] += code * d;
          sum += d * w3[k * hidden + j];
        }
        dz[i * units + k] = sum;
      }
    sumRows(dHidden, hidden, h3);
    for (let i = 0; i < m; i++)
      for (let k = 0; k < units; k++) {
        const mean = out[i * heads + k], d = dz[i * units + k];
        let others = 0;
        for (let j = 0; j < units; j++) if (j !== k) others += Math.abs(out[i * heads + j]);
        dHeads[i * heads + k] = d + (beta * mean + (gamma * Math.sign(mean) * others) / pairs) / m;
        if (sd !== null) continue;
        const s = out[i * heads + units + k];
        dHeads[i * heads + units + k] = 0.5 * (d * epsilon[i * units + k] * Math.exp(0.5 * s) + (beta * (Math.exp(s) - 1)) / m);
      }
    multiply(a, 1, hidden, dHeads, heads, 1, g2, hidden, m, heads);
    sumRows(dHeads, heads, h2);
    multiply(dHeads, heads, 1, w2, 1, heads, dHidden, m, heads, hidden);
    unsquash(dHidden, a);
    multiply(x, 1, width, dHidden, hidden, 1, g1, width, m, hidden);
    sumRows(dHidden, hidden, h1);
  }

  const first = new Float64Array(length), second = new Float64Array(length);
  let done = 0;
  function adam() {
    const now = 0.5 * rate * (1 + Math.cos((Math.PI * done) / steps));
    const size = (now * Math.sqrt(1 - BETA2 ** (done + 1))) / (1 - BETA1 ** (done + 1));
    for (let i = 0; i < length; i++) {
      const g = gradient[i], m = (first[i] += (1 - BETA1) * (g - first[i])), v = (second[i] += (1 - BETA2) * (g * g - second[i]));
      weights[i] -= (size * m) / (Math.sqrt(v) + EPSILON);
    }
  }

  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let next = n;
  function pick() {
    for (let i = 0; i < batch; i++) {
      if (next === n) (next = 0), shuffle(order, uniform);
      x.set(rows.subarray(order[next] * width, (order[next] + 1) * width), i * width);
      next++;
    }
    normal(epsilon);
  }

  function forward() {
    encode(x, work);
    draw(work, epsilon);
    decode(work);
  }

  const sized = new Map(); // buffers by the number of rows, which is a multiple of 4
  function padded(values, across) {
    const m = values.length / across, high = m + ((4 - (m % 4)) % 4);
    if (!sized.has(high)) sized.set(high, buffers(high));
    const whole = new Float64Array(high * across);
    whole.set(values);
    return { m, whole, own: sized.get(high) };
  }

  return {
    weights,
    gradient,
    /** Train so many steps, or up to the last; return how many are done. */
    train(/** @type {number} */ count) {
      for (const last = Math.min(steps, done + count); done < last; done++) {
        pick();
        forward();
        backward();
        adam();
      }
      return done;
    },
    /** Return the root mean square of the means of the last batch, or NaN. */
    reach() {
      let sum = 0;
      for (let i = 0; i < batch; i++) for (let k = 0; k < units; k++) sum += work.heads[i * heads + k] ** 2;
      return Math.sqrt(sum / (batch * units));
    },
    /** For tests: the terms of a batch at given ε, and their gradient. */
    differentiate(/** @type {ArrayLike<number>} */ images, /** @type {ArrayLike<number>} */ noises) {
      x.set(images);
      epsilon.set(noises);
      forward();
      const terms = loss(x, work);
      backward();
      return terms;
    },
    /** Return means and log-variances, (n, units) each, of rows. */
    encode(/** @type {Float64Array} */ values) {
      const { m, whole, own } = padded(values, width);
      encode(whole, own);
      const [mean, spread] = [0, 1].map(() => new Float64Array(m * units));
      for (let i = 0; i < m; i++)
        for (let k = 0; k < units; k++) (mean[i * units + k] = own.heads[i * heads + k]), (spread[i * units + k] = logVar(own.heads, i, k));
      return { mean, logVar: spread };
    },
    /** Return rows of codes, (n, units). */
    decode(/** @type {Float64Array} */ codes) {
      const { m, whole, own } = padded(codes, units);
      own.z.set(whole);
      decode(own);
      return own.y.slice(0, m * width);
    },
    /** Return the terms of all rows, but the last of them that make no four; ε is the same each time. */
    terms() {
      const m = n - (n % 4), some = rows.subarray(0, m * width);
      if (!sized.has(m)) sized.set(m, buffers(m));
      const all = sized.get(m);
      encode(some, all);
      draw(all, normals(uniforms(1))(new Float64Array(m * units)));
      decode(all);
      return loss(some, all);
    },
  };
}
