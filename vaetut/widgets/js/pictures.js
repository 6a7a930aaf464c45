// @ts-check
// Colour pictures: enlarged, and as strips with the first at the top. Histograms.

import { drawStrip, make } from "./nodes.js";
import { pathOf } from "./points.js";

export function loadPicture(uri) {
  const image = new Image();
  image.src = uri;
  return image;
}

// An image on a canvas several times as wide, `across` pixels, and smooth. The image
// itself is in `small`.
export function makeFace([height, width], across, attributes = {}) {
  const small = make("canvas", { width, height });
  const node = make("canvas", { width: across, height: Math.round((across * height) / width), class: "vx-image vi-face", ...attributes });
  const enlarge = () => {
    const pen = node.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(small, 0, 0, node.width, node.height);
  };
  node.small = small;
  return {
    node,
    put(pixels) {
      small.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
      enlarge();
    },
    show(strip, i) {
      drawStrip(small, strip, i);
      enlarge();
    },
  };
}

// A row of n faces which wraps where there is little room.
export function makeFaces(n, size, across, attributes) {
  const faces = Array.from({ length: n }, () => makeFace(size, across, { "aria-hidden": "true" }));
  return { faces, node: make("div", { class: "vi-faces", role: "img", ...attributes }, ...faces.map(({ node }) => node)) };
}

// The outline of a histogram from 0 on: x of a bin's edge, y of the share of the highest.
export function outline(counts, x, y) {
  const top = Math.max(...counts) || 1;
  const steps = counts.flatMap((count, k) => [[x(k), y(count / top)], [x(k + 1), y(count / top)]]);
  return `${pathOf([[x(0), y(0)], ...steps, [x(counts.length), y(0)]])}Z`;
}
