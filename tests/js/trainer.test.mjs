// @ts-check
// The trainer: its gradient against differences and against Keras, its seeds, and what
// its losses are known to do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { normals, shuffle, uniforms } from "../../vaetut/widgets/js/random.js";
import { makeTrainer } from "../../vaetut/widgets/js/trainer.js";

const WIDTH = 12, ROWS = 200;

/** Rows of two factors along two waves, each of variance about 1. */
function rowsOf(n = ROWS) {
  const uniform = uniforms(5), rows = new Float64Array(n * WIDTH);
  for (let i = 0; i < n; i++) {
    const a = 3.4 * (uniform() - 0.5), b = 3.4 * (uniform() - 0.5);
    for (let k = 0; k < WIDTH; k++) rows[i * WIDTH + k] = a * Math.cos((2 * Math.PI * k) / WIDTH) + b * Math.sin((2 * Math.PI * k) / WIDTH);
  }
  return rows;
}

const RECIPE = {
  rows: rowsOf(), width: WIDTH, hidden: 10, units: 2, noise: 0.3, sd: 0.1, beta: 1, gamma: 0, rate: 1e-2, steps: 800, batch: 20, seed: 0,
};
const KINDS = {
  "constant σ": {},
  "learned σ": { sd: null },
  "γ above 0": { gamma: 3 },
  "three units, learned, γ below 0": { units: 3, sd: null, gamma: -0.5, beta: 2 },
};

for (const [name, kind] of Object.entries(KINDS)) {
  test(`the gradient is that of differences: ${name}`, () => {
    const trainer = makeTrainer({ ...RECIPE, ...kind }), units = kind.units ?? 2;
    trainer.train(30);
    const images = RECIPE.rows.slice(0, 20 * WIDTH), epsilon = normals(uniforms(3))(new Float64Array(20 * units));
    const total = () => trainer.differentiate(images, epsilon).total;
    total();
    const found = trainer.gradient.slice(), scale = Math.max(...found.map(Math.abs));
    for (let i = 0; i < found.length; i += 7) {
      const kept = trainer.weights[i], h = 1e-5;
      trainer.weights[i] = kept + h;
      const above = total();
      trainer.weights[i] = kept - h;
      const below = total();
      trainer.weights[i] = kept;
      assert.ok(Math.abs((above - below) / (2 * h) - found[i]) <= 1e-5 * scale, `weight ${i}`);
    }
  });
}

// Written by tests/unit/test_live_trainer.py, which says whether they are Keras's.
const { cases } = JSON.parse(readFileSync(new URL("keras_gradients.json", import.meta.url), "utf8"));
for (const [name, { recipe, weights, images, epsilon, terms, gradient }] of Object.entries(cases)) {
  test(`terms and gradient are those of Keras: ${name}`, () => {
    const trainer = makeTrainer({ ...RECIPE, ...recipe, rows: Float64Array.from(images) });
    trainer.weights.set(weights);
    const found = trainer.differentiate(images, epsilon);
    for (const [term, value] of Object.entries(terms)) assert.ok(Math.abs(found[term] - value) <= 1e-5 * Math.abs(value), term);
    const scale = Math.max(...gradient.map(Math.abs));
    assert.equal(trainer.gradient.length, gradient.length);
    gradient.forEach((g, i) => assert.ok(Math.abs(trainer.gradient[i] - g) <= 1e-5 * scale, `weight ${i}`));
  });
}

test("a seed gives the same weights to the bit, in whatever slices, and another others", () => {
  const [one, two, other] = [0, 0, 1].map((seed) => makeTrainer({ ...RECIPE, seed }));
  one.train(100);
  for (let k = 0; k < 10; k++) two.train(10);
  other.train(100);
  assert.deepEqual(one.weights, two.weights);
  assert.notDeepEqual(one.weights, other.weights);
  assert.deepEqual(one.terms(), two.terms());
});

test("a training ends at its last step and has learnt", () => {
  const trainer = makeTrainer(RECIPE), before = trainer.terms();
  assert.equal(trainer.train(500), 500);
  assert.equal(trainer.train(500), 800);
  const weights = trainer.weights.slice();
  trainer.train(500);
  assert.deepEqual(trainer.weights, weights);
  const after = trainer.terms();
  assert.ok(after.reconstruction < 0.1 * before.reconstruction);
  for (const t of [before, after]) assert.ok(Math.abs(t.reconstruction + RECIPE.beta * t.kl + RECIPE.gamma * t.entanglement - t.total) < 1e-9 * t.total);
});

/** The root mean square of the means of all rows. */
function reachOf(kind) {
  const trainer = makeTrainer({ ...RECIPE, ...kind });
  trainer.train(800);
  const { mean } = trainer.encode(RECIPE.rows);
  return { trainer, reach: Math.sqrt(mean.reduce((sum, v) => sum + v * v, 0) / mean.length) };
}

test("a large β switches learned codes off and pulls constant ones together", () => {
  const { trainer, reach } = reachOf({ beta: 1000, sd: null });
  assert.ok(reach < 0.02 && trainer.terms().kl < 0.01);
  assert.ok(reachOf({ beta: 1000 }).reach < 0.5 * reachOf({}).reach);
});

test("codes run away below γ = −β and not above", () => {
  assert.ok(reachOf({ gamma: -2 }).reach > 10);
  assert.ok(reachOf({ gamma: -0.9 }).reach < 3);
});

test("what is decoded from the means is what was encoded", () => {
  const { trainer } = reachOf({ noise: 0.05, beta: 0.01 });
  for (const n of [1, 5, 8]) {
    const rows = RECIPE.rows.slice(0, n * WIDTH), decoded = trainer.decode(trainer.encode(rows).mean);
    assert.equal(decoded.length, rows.length);
    decoded.forEach((v, i) => assert.ok(Math.abs(v - rows[i]) < 0.25));
  }
});

test("random numbers are uniform, normal and in every order", () => {
  const uniform = uniforms(0), n = 20_000, draws = Array.from({ length: n }, uniform);
  const mean = (values) => values.reduce((p, q) => p + q, 0) / values.length;
  assert.ok(Math.abs(mean(draws) - 0.5) < 0.01 && Math.abs(mean(draws.map((v) => v * v)) - 1 / 3) < 0.01);
  const z = [...normals(uniform)(new Float64Array(n + 1))];
  assert.ok(Math.abs(mean(z)) < 0.03 && Math.abs(mean(z.map((v) => v * v)) - 1) < 0.05);
  assert.deepEqual([...shuffle(Uint32Array.from({ length: 9 }, (_, i) => i), uniform)].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});
