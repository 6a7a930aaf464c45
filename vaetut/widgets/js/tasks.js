// @ts-check
// What is done in the background: messages in, [kind, what it asks] each, answers out.

import { makeNetwork, toPixels } from "./engine.js";

/**
 * Return what acts on a message; every answer goes to `post`, with the buffers that may
 * move to the other side.
 * @param {(answer: any[], buffers?: ArrayBuffer[]) => void} post
 */
export function serve(post) {
  /** @type {{image: number[], run: (x: ArrayLike<number>) => Float32Array}[]} */
  let networks = [];

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
  };
  return ([kind, ...rest]) => acts[kind](...rest);
}
