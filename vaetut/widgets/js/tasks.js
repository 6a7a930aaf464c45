// @ts-check
// What is done in the background: messages in, [kind, what it asks] each, answers out.

import { makeNetwork, toPixels } from "./engine.js";
import { crossEntropy } from "./likelihood.js";
import { leastFrom } from "./search.js";
import { makeTrainer } from "./trainer.js";

/**
 * What a page is shown of a training, and when.
 * @typedef {object} Look
 * @property {number} every  steps between two reports
 * @property {number} wait  milliseconds after each report, so that it can be seen
 * @property {boolean} all  every report, or the last one only
 * @property {Float64Array} rows  to encode
 * @property {number} again  how many of the last of them to decode again, from their means
 * @property {Float64Array} codes  to decode
 */

/** Beyond this root mean square of their means, codes have run away. */
const FAR = 30;

/**
 * Return what acts on a message; every answer goes to `post`, with the buffers that may
 * move to the other side.
 * @param {(answer: any[], buffers?: ArrayBufferLike[]) => void} post
 */
export function serve(post) {
  /** @type {{image: number[], run: (x: ArrayLike<number>) => Float32Array}[]} */
  let networks = [];
  let turn;

  const acts = {
    networks(packed) {
      networks = packed.map((one) => ({ image: one.image, run: makeNetwork(one) }));
    },

    /** `jobs` are [network, code] each; the answer is ["images", number, images, ms]. */
    decode(number, jobs) {
      const start = performance.now();
      const images = jobs.map(([k, code]) => toPixels(networks[k].run(code), networks[k].image));
      post(["images", number, images, performance.now() - start], images.map((image) => image.buffer));
    },

    /**
     * The first network encodes an image, the second decodes μ + σ ε; `sd` is σ where the
     * encoder gives none. The answer is ["autoencoded", number, what was found, ms].
     */
    autoencode(number, image, epsilon, sd) {
      const start = performance.now(), out = networks[0].run(image), d = epsilon.length;
      const mean = out.slice(0, d), spread = sd === null ? out.slice(d).map((v) => Math.exp(0.5 * v)) : new Float32Array(d).fill(sd);
      const code = mean.map((v, k) => v + spread[k] * epsilon[k]), logits = networks[1].run(code);
      post(["autoencoded", number, { mean, sd: spread, code, logits }, performance.now() - start]);
    },

    /**
     * Search the code whose decoded image is nearest to this one, from `start` on. The
     * answer is ["fitted", number, what was found].
     */
    fit(number, image, start, most) {
      const value = (code) => crossEntropy(image, networks[1].run(code));
      const { x, v } = leastFrom(value, Array.from(start), 0.2, most);
      post(["fitted", number, { code: x, nats: v, logits: networks[1].run(x) }]);
    },

    /**
     * Train, in slices, until all steps are done, the codes have run away, or another
     * message comes. The answers are ["training", number, how it stands].
     * @param {import("./trainer.js").Recipe} recipe
     * @param {Look} look
     */
    train(number, recipe, look) {
      const { every, wait, all, rows, again, codes } = look;
      acts.stop();
      const start = performance.now(), trainer = makeTrainer(recipe);
      function report(done, far, ended) {
        const found = trainer.encode(rows), decoded = trainer.decode(codes);
        const shown = trainer.decode(found.mean.slice(found.mean.length - again * recipe.units));
        post(["training", number, { done, far, ended, ms: performance.now() - start, terms: trainer.terms(), ...found, again: shown, decoded }]);
      }
      function go() {
        const done = trainer.train(every), far = !(trainer.reach() < FAR), ended = far || done === recipe.steps;
        if (all || ended) report(done, far, ended);
        if (!ended) turn = setTimeout(go, wait);
      }
      if (all) report(0, false, false);
      go();
    },

    stop() {
      clearTimeout(turn);
    },
  };
  return ([kind, ...rest]) => acts[kind](...rest);
}
