// @ts-check
// Random numbers from a seed: the same ones in every browser, but for the logarithm.

/**
 * Return a generator of numbers in [0, 1): sfc32, of 32 bits.
 * @param {number} seed
 */
export function uniforms(seed) {
  let a = 0x9e3779b9, b = 0x243f6a88, c = seed | 0, d = 1;
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let k = 0; k < 15; k++) next(); // until seeds that are alike have come apart
  return next;
}

/**
 * Return a function that fills an array with draws from N(0, 1): Box and Muller, 1958.
 * @param {() => number} uniform
 */
export function normals(uniform) {
  return (/** @type {Float64Array} */ into) => {
    for (let i = 0; i < into.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
      into[i] = radius * Math.cos(angle);
      if (i + 1 < into.length) into[i + 1] = radius * Math.sin(angle);
    }
    return into;
  };
}

/**
 * Put 0 … n − 1 in a random order: Fisher and Yates.
 * @param {Uint32Array} order
 * @param {() => number} uniform
 */
export function shuffle(order, uniform) {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor((i + 1) * uniform()), other = order[i];
    order[i] = order[j];
    order[j] = other;
  }
  return order;
}
