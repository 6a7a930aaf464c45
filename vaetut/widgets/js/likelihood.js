// @ts-check
// The terms of a VAE's loss for one image, in nats.

/** Return the negative log likelihood of grey values in [0, 1], given logits. */
export function crossEntropy(/** @type {ArrayLike<number>} */ image, /** @type {ArrayLike<number>} */ logits) {
  let sum = 0;
  for (let i = 0; i < image.length; i++) sum += Math.max(logits[i], 0) + Math.log1p(Math.exp(-Math.abs(logits[i]))) - image[i] * logits[i];
  return sum;
}

/** Return KL(N(μ, σ²) ‖ N(0, I)). */
export function divergence(/** @type {ArrayLike<number>} */ mean, /** @type {ArrayLike<number>} */ sd) {
  let sum = 0;
  for (let k = 0; k < mean.length; k++) sum += 0.5 * (mean[k] ** 2 + sd[k] ** 2 - 1) - Math.log(sd[k]);
  return sum;
}

/** Return the intersection over union of the pixels above a threshold. */
export function overlap(/** @type {ArrayLike<number>} */ image, /** @type {ArrayLike<number>} */ other, threshold) {
  let shared = 0, union = 0;
  for (let i = 0; i < image.length; i++) {
    const p = image[i] > threshold, q = other[i] > threshold;
    shared += Number(p && q);
    union += Number(p || q);
  }
  return union ? shared / union : 1;
}
