// @ts-check
// The engine against the plainest loops that say the same. Python's tests compare it with
// Keras, in a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeNetwork, toPixels } from "../../vaetut/widgets/js/engine.js";

/** Numbers that float16 holds and that look random: the same ones each time. */
function numbers(/** @type {number} */ n, seed = 1) {
  let s = seed;
  return Array.from({ length: n }, () => ((s = (s * 48271) % 2147483647), ((s % 2001) - 1000) / 1024));
}

/** Numbers of less than 1 as float16 in base64. */
function pack(/** @type {number[]} */ values) {
  const words = Uint16Array.from(values, (v) => {
    if (!v) return 0;
    const power = Math.floor(Math.log2(Math.abs(v))), fraction = Math.abs(v) / 2 ** power - 1;
    return (v < 0 ? 32768 : 0) | ((power + 15) << 10) | Math.round(1024 * fraction);
  });
  return Buffer.from(words.buffer).toString("base64");
}

const half = (/** @type {number} */ v) => {
  const step = 2 ** (Math.floor(Math.log2(Math.abs(v) || 1)) - 10);
  return Math.round(v / step) * step;
};

/** Run one operation of the engine with these weights. */
function run(operation, kernel, bias, x) {
  const weights = pack([...kernel, ...bias]);
  const places = kernel.length ? { kernel: [0, kernel.length], bias: [kernel.length, bias.length] } : {};
  return makeNetwork({ operations: [{ activation: "linear", ...operation, ...places }], weights })(x);
}

function near(found, expected, within = 1e-5) {
  assert.equal(found.length, expected.length);
  found.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) <= within, `${i}: ${v} is not ${expected[i]}`));
}

const WINDOW = { channels: [3, 5], size: [3, 2], source: [6, 5], target: [3, 2], strides: [2, 2], cut: [1, 0] };

test("a convolution adds what lies under its kernel", () => {
  const kernel = numbers(3 * 2 * 3 * 5).map(half), bias = numbers(5, 7).map(half), x = numbers(6 * 5 * 3, 3);
  x[4] = x[5] = 0;
  const expected = [];
  for (let i = 0; i < 3; i++) for (let j = 0; j < 2; j++) for (let c = 0; c < 5; c++) {
    let sum = bias[c];
    for (let k = 0; k < 3; k++) for (let l = 0; l < 2; l++) {
      const row = 2 * i + k - 1, column = 2 * j + l;
      if (row < 0 || row > 5 || column > 4) continue;
      for (let b = 0; b < 3; b++) sum += x[(row * 5 + column) * 3 + b] * kernel[((k * 2 + l) * 3 + b) * 5 + c];
    }
    expected.push(sum);
  }
  near(run({ type: "linear", ...WINDOW }, kernel, bias, x), expected);
});

test("a convolution to one channel is the same sum", () => {
  const kernel = numbers(3 * 2 * 3).map(half), x = numbers(6 * 5 * 3, 3);
  const one = run({ type: "linear", ...WINDOW, channels: [3, 1] }, kernel, [0.5], x);
  const twice = run({ type: "linear", ...WINDOW, channels: [3, 2] }, kernel.flatMap((v) => [v, v]), [0.5, 0.5], x);
  near(one, [...twice].filter((_, i) => i % 2));
});

test("a transposed convolution adds a kernel for each position", () => {
  const operation = { ...WINDOW, source: [3, 2], target: [6, 5] };
  const kernel = numbers(3 * 3 * 2 * 5).map(half), bias = numbers(5, 7).map(half), x = numbers(3 * 2 * 3, 3);
  x.fill(0, 0, 3); // a position without anything
  const expected = Array.from({ length: 6 * 5 * 5 }, (_, i) => bias[i % 5]);
  for (let i = 0; i < 3; i++) for (let j = 0; j < 2; j++) for (let k = 0; k < 3; k++) for (let l = 0; l < 2; l++) {
    const row = 2 * i + k - 1, column = 2 * j + l;
    if (row < 0 || row > 5 || column > 4) continue;
    for (let b = 0; b < 3; b++) for (let c = 0; c < 5; c++) expected[(row * 5 + column) * 5 + c] += x[(i * 2 + j) * 3 + b] * kernel[((b * 3 + k) * 2 + l) * 5 + c];
  }
  near(run({ type: "transposed", ...operation }, kernel, bias, x), expected);
});

test("pooling takes the largest, below zero as well", () => {
  const operation = { type: "pooling", channels: [1, 1], size: [2, 2], source: [3, 3], target: [2, 2], strides: [2, 2], cut: [0, 0] };
  near(run(operation, [], [], [-1, -2, -3, -4, -5, -6, -7, -8, -9]), [-1, -3, -7, -9]);
});

test("images grow by repetition, and channels are scaled", () => {
  const operation = { type: "upsampling", channels: [1, 1], size: [2, 1], source: [2, 2], target: [4, 2] };
  near(run(operation, [], [], [1, 2, 3, 4]), [1, 2, 1, 2, 3, 4, 3, 4]);
  near(run({ type: "scaling" }, [0.5, -0.25], [0.125, 0], [1, 2, 3, 4]), [0.625, -0.5, 1.625, -1]);
});

test("each place is told where it is", () => {
  const operation = { type: "coordinates", channels: [1, 3], source: [2, 3], target: [2, 3] };
  const expected = [[1, -1, -1], [2, 0, -1], [3, 1, -1], [4, -1, 1], [5, 0, 1], [6, 1, 1]];
  near(run(operation, [], [], [1, 2, 3, 4, 5, 6]), expected.flat());
});

test("channels become the pixels of a block", () => {
  const operation = { type: "unfolding", size: [2, 2], source: [1, 2], target: [2, 4] };
  near(run(operation, [], [], [1, 2, 3, 4, 5, 6, 7, 8]), [1, 2, 5, 6, 3, 4, 7, 8]);
});

test("activations are Keras's", () => {
  const at = (activation, slope) => [...run({ type: "activation", activation, slope }, [], [], [-2, 0, 2])];
  const e = Math.exp(-2), s = 1 / (1 + e);
  near(at("relu"), [0, 0, 2]);
  near(at("leaky_relu", 0.25), [-0.5, 0, 2]);
  near(at("elu", 1), [e - 1, 0, 2]);
  near(at("sigmoid"), [1 - s, 0.5, s]);
  near(at("tanh"), [Math.tanh(-2), 0, Math.tanh(2)]);
  near(at("silu"), [-2 * (1 - s), 0, 2 * s]);
  near(at("softplus"), [Math.log1p(e), Math.log(2), 2 + Math.log1p(e)]);
});

test("weights are unpacked as float16 has them, small and negative", () => {
  const { buffer } = Uint16Array.from([0x3c00, 0xc000, 0x0001, 0x8400, 0x7bff]);
  const weights = Buffer.from(buffer).toString("base64");
  const run = makeNetwork({ operations: [{ type: "scaling", activation: "linear", kernel: [0, 5], bias: [0, 5] }], weights });
  near(run([0, 0, 0, 0, 0]), [1, -2, 2 ** -24, -(2 ** -14), 65504], 0);
});

test("logits become grey or coloured pixels", () => {
  assert.deepEqual([...toPixels(Float32Array.of(0, 100), [1, 2, 1])], [128, 128, 128, 255, 255, 255, 255, 255]);
  assert.deepEqual([...toPixels(Float32Array.of(0, 100, -100), [1, 1, 3])], [128, 255, 0, 255]);
});
