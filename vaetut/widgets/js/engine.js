// @ts-check
// Networks on a page: encoders and decoders, as Python's packing.py packed them.

import { bytes } from "./numbers.js";

/**
 * One step of a network. A kernel and a bias are [first, number] in the weights.
 * @typedef {object} Operation
 * @property {"linear" | "transposed" | "pooling" | "upsampling" | "coordinates" | "unfolding" | "scaling" | "activation"} type
 * @property {string} activation
 * @property {number} [slope]
 * @property {[number, number]} [channels]  in and out
 * @property {[number, number]} [size]  rows and columns: of the kernel
 * @property {[number, number]} [source]  of what comes in
 * @property {[number, number]} [target]  of what goes out
 * @property {[number, number]} [strides]
 * @property {[number, number]} [cut]  how much of the padding is before the image
 * @property {[number, number]} [kernel]
 * @property {[number, number]} [bias]
 */

/**
 * @typedef {object} Packed
 * @property {Operation[]} operations
 * @property {string} weights  float16, in base64
 */

/** @typedef {(x: Float32Array) => Float32Array} Step */

/** Return float16 numbers in base64 as floats. */
function halves(/** @type {string} */ text) {
  const words = new Uint16Array(bytes(text).buffer);
  return Float32Array.from(words, (word) => {
    const exponent = (word >> 10) & 31, fraction = word & 1023;
    const size = exponent ? 2 ** (exponent - 25) * (1024 + fraction) : fraction * 2 ** -24;
    return word >> 15 ? -size : size;
  });
}

export const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));

/** @type {Record<string, (x: number, slope: number) => number>} */
const ACTIVATIONS = {
  sigmoid,
  relu: (x) => (x < 0 ? 0 : x),
  tanh: Math.tanh,
  silu: (x) => x * sigmoid(x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  elu: (x, slope) => (x > 0 ? x : slope * Math.expm1(x)),
  leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
};

/** @param {Operation} operation */
function activate({ activation, slope = 0 }, /** @type {Float32Array} */ y) {
  const f = ACTIVATIONS[activation];
  if (activation === "relu") for (let i = 0; i < y.length; i++) y[i] = y[i] < 0 ? 0 : y[i];
  else if (f) for (let i = 0; i < y.length; i++) y[i] = f(y[i], slope);
  return y;
}

/**
 * For each position of `many` and tap of the kernel, the position of `few` that it goes
 * together with, or −1: position · stride + tap − cut is that of the larger image.
 * @param {Operation} operation
 */
function partners({ size, strides, cut }, small, large) {
  const map = new Int32Array(small[0] * small[1] * size[0] * size[1]);
  let n = 0;
  for (let i = 0; i < small[0]; i++)
    for (let j = 0; j < small[1]; j++)
      for (let k = 0; k < size[0]; k++)
        for (let l = 0; l < size[1]; l++) {
          const y = i * strides[0] + k - cut[0], x = j * strides[1] + l - cut[1];
          map[n++] = y < 0 || x < 0 || y >= large[0] || x >= large[1] ? -1 : y * large[1] + x;
        }
  return map;
}

/**
 * Dense and convolutions: for each position of the target, the inputs under the kernel,
 * (taps × inputs), times the kernel, (taps × inputs, outputs). Zeros are left out, and
 * the inner loop takes four of the others.
 * @param {Operation} operation
 * @returns {Step}
 */
function linear(operation, /** @type {Float32Array} */ kernel, /** @type {Float32Array} */ bias) {
  const [inputs, outputs] = operation.channels, taps = operation.size[0] * operation.size[1];
  const map = partners(operation, operation.target, operation.source), positions = map.length / taps;
  const value = new Float32Array(taps * inputs + 3), start = new Int32Array(taps * inputs + 3);
  const sums = new Float32Array(outputs);
  return (x) => {
    const y = new Float32Array(positions * outputs);
    for (let p = 0; p < positions; p++) {
      let n = 0;
      for (let k = 0; k < taps; k++) {
        const from = map[p * taps + k];
        if (from < 0) continue;
        for (let i = 0; i < inputs; i++) {
          const v = x[from * inputs + i];
          if (v !== 0) (value[n] = v), (start[n++] = (k * inputs + i) * outputs);
        }
      }
      if (outputs === 1) {
        let sum = bias[0];
        for (let k = 0; k < n; k++) sum += value[k] * kernel[start[k]];
        y[p] = sum;
        continue;
      }
      for (; n % 4; n++) (value[n] = 0), (start[n] = 0);
      sums.set(bias);
      for (let k = 0; k < n; k += 4) addFour(sums, outputs, kernel, value, start, k);
      y.set(sums, p * outputs);
    }
    return activate(operation, y);
  };
}

/** Add four inputs times their parts of the kernel: all the time is spent here. */
function addFour(sums, row, kernel, value, start, k) {
  const a = value[k], b = value[k + 1], c = value[k + 2], d = value[k + 3];
  const q = start[k], r = start[k + 1], s = start[k + 2], t = start[k + 3];
  for (let j = 0; j < row; j++) sums[j] += a * kernel[q + j] + b * kernel[r + j] + c * kernel[s + j] + d * kernel[t + j];
}

/**
 * Transposed convolutions: the inputs of each position of the source times the whole
 * kernel, (inputs, taps × outputs); then each tap is added where it belongs.
 * @param {Operation} operation
 * @returns {Step}
 */
function transposed(operation, /** @type {Float32Array} */ kernel, /** @type {Float32Array} */ bias) {
  const [inputs, outputs] = operation.channels, taps = operation.size[0] * operation.size[1], row = taps * outputs;
  const map = partners(operation, operation.source, operation.target), positions = map.length / taps;
  const sums = new Float32Array(row), value = new Float32Array(inputs + 3), start = new Int32Array(inputs + 3);
  return (x) => {
    const y = new Float32Array(operation.target[0] * operation.target[1] * outputs);
    for (let i = 0; i < y.length; i += outputs) y.set(bias, i);
    for (let p = 0; p < positions; p++) {
      let n = 0;
      for (let i = 0; i < inputs; i++) {
        const v = x[p * inputs + i];
        if (v !== 0) (value[n] = v), (start[n++] = i * row);
      }
      if (!n) continue;
      for (; n % 4; n++) (value[n] = 0), (start[n] = 0);
      sums.fill(0);
      for (let k = 0; k < n; k += 4) addFour(sums, row, kernel, value, start, k);
      for (let k = 0; k < taps; k++) {
        const to = map[p * taps + k] * outputs, from = k * outputs;
        if (to >= 0) for (let j = 0; j < outputs; j++) y[to + j] += sums[from + j];
      }
    }
    return activate(operation, y);
  };
}

/**
 * The largest of what lies under a window, channel by channel.
 * @param {Operation} operation
 * @returns {Step}
 */
function pooling(operation) {
  const { target, source, size, channels: [c] } = operation, taps = size[0] * size[1];
  const map = partners(operation, target, source);
  return (x) => {
    const y = new Float32Array(target[0] * target[1] * c).fill(-Infinity);
    map.forEach((from, n) => {
      if (from < 0) return;
      const to = Math.floor(n / taps) * c;
      for (let k = 0; k < c; k++) if (x[from * c + k] > y[to + k]) y[to + k] = x[from * c + k];
    });
    return activate(operation, y);
  };
}

/**
 * @param {Operation} operation
 * @returns {Step}
 */
function upsampling(operation) {
  const { source, target, size, channels: [c] } = operation;
  return (x) => {
    const y = new Float32Array(target[0] * target[1] * c);
    for (let i = 0, n = 0; i < target[0]; i++)
      for (let j = 0; j < target[1]; j++, n += c) {
        const at = (Math.floor(i / size[0]) * source[1] + Math.floor(j / size[1])) * c;
        for (let k = 0; k < c; k++) y[n + k] = x[at + k];
      }
    return activate(operation, y);
  };
}

/**
 * Each place gets two channels more, x and y from −1 to 1.
 * @param {Operation} operation
 * @returns {Step}
 */
function coordinates(operation) {
  const { source: [height, width], channels: [inputs, outputs] } = operation;
  return (x) => {
    const y = new Float32Array(height * width * outputs);
    for (let p = 0; p < height * width; p++) {
      y.set(x.subarray(p * inputs, (p + 1) * inputs), p * outputs);
      y[p * outputs + inputs] = (2 * (p % width)) / (width - 1) - 1;
      y[p * outputs + inputs + 1] = (2 * Math.floor(p / width)) / (height - 1) - 1;
    }
    return activate(operation, y);
  };
}

/**
 * Channels become the pixels of a block.
 * @param {Operation} operation
 * @returns {Step}
 */
function unfolding(operation) {
  const { source: [height, width], size: [k] } = operation;
  return (x) => {
    const y = new Float32Array(x.length);
    for (let i = 0, n = 0; i < height; i++)
      for (let j = 0; j < width; j++)
        for (let p = 0; p < k; p++) for (let q = 0; q < k; q++) y[(i * k + p) * width * k + j * k + q] = x[n++];
    return activate(operation, y);
  };
}

/**
 * @param {Operation} operation
 * @returns {Step}
 */
function scaling(operation, /** @type {Float32Array} */ scale, /** @type {Float32Array} */ shift) {
  return (x) => activate(operation, x.map((v, i) => v * scale[i % scale.length] + shift[i % scale.length]));
}

const MAKERS = { linear, transposed, pooling, upsampling, coordinates, unfolding, scaling };

/**
 * Return what runs a network for one input: a code, or an image in [0, 1].
 * @param {Packed} packed
 * @returns {(x: ArrayLike<number>) => Float32Array}
 */
export function makeNetwork({ operations, weights }) {
  const numbers = halves(weights), part = (place) => place && numbers.subarray(place[0], place[0] + place[1]);
  /** @type {Step[]} */
  const steps = operations.map((operation) => {
    if (operation.type === "activation") return (x) => activate(operation, x);
    return MAKERS[operation.type](operation, part(operation.kernel), part(operation.bias));
  });
  return (x) => steps.reduce((y, step) => step(y), /** @type {Float32Array} */ (Float32Array.from(x)));
}

/** Return logits of an image of one or three channels as RGBA bytes. */
export function toPixels(/** @type {Float32Array} */ logits, /** @type {number[]} */ [height, width, channels]) {
  const pixels = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let i = 0; i < height * width; i++)
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = 255 * sigmoid(logits[i * channels + (channels > 1 ? c : 0)]);
  return pixels;
}
