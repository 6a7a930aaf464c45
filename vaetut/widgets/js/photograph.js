// @ts-check
// Pictures from outside, brought to what a canvas of ink shows. What cannot be used is an
// error whose message says so.

import { make } from "./nodes.js";

const MOST = 60e6; // bytes of a file: a photograph of a hundred megapixels has less

const isSvg = (/** @type {string} */ text) => /^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<svg[\s>]/is.test(text);
const SVG = "An SVG is a list of shapes and no picture of pixels: save it as PNG or JPEG, and give that.";

/** Return the one file that was dropped, pasted or chosen. */
function fileOf(source) {
  if (source.files?.length) return source.files[0];
  if (isSvg(source.getData?.("text/plain") ?? "")) throw new Error(SVG);
  throw new Error("There was no picture in that: give a file of one, PNG or JPEG.");
}

/**
 * Return the picture of a drop, a paste or a file input as ImageData of this size: its
 * middle, grey, with as much contrast as there is, and ink light on a dark ground.
 */
export async function bringIn(source, width, height) {
  const file = fileOf(source);
  if (file.type === "image/svg+xml" || isSvg(await file.slice(0, 500).text())) throw new Error(SVG);
  if (file.size > MOST) throw new Error(`That file has ${Math.round(file.size / 1e6)} MB: give a picture of less than 60.`);
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`“${file.name}” is no picture that this browser can read: give PNG or JPEG.`);
  });
  const canvas = make("canvas", { width, height }), pen = canvas.getContext("2d", { willReadFrequently: true });
  const scale = Math.min(bitmap.width / width, bitmap.height / height);
  const [across, down] = [width * scale, height * scale];
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, (bitmap.width - across) / 2, (bitmap.height - down) / 2, across, down, 0, 0, width, height);
  bitmap.close();
  const picture = pen.getImageData(0, 0, width, height);
  toInk(picture);
  return picture;
}

/** Make a picture grey, light on dark, from 0 to 255, where it lies on transparency or not. */
export function toInk(/** @type {{data: Uint8ClampedArray, width: number, height: number}} */ { data, width, height }) {
  const n = width * height, grey = new Float32Array(n);
  let clear = 0;
  for (let i = 0; i < n; i++) {
    const opaque = data[4 * i + 3] / 255;
    if (opaque < 0.5) clear++;
    const light = (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
    grey[i] = opaque * light + (1 - opaque); // on white paper
  }
  if (clear === n) throw new Error("That picture is transparent throughout: there is nothing to see in it.");
  const sorted = grey.slice().sort(), low = sorted[Math.floor(0.01 * n)], high = sorted[Math.floor(0.99 * n)];
  if (high - low < 0.04) throw new Error("That picture is of one grey: there is nothing to see in it.");
  let rim = 0;
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) edge.push(y * width, y * width + width - 1);
  for (const i of edge) rim += grey[i] / edge.length;
  const turn = rim > (low + high) / 2; // a light ground: what is dark is the ink
  for (let i = 0; i < n; i++) {
    const v = Math.min(1, Math.max(0, (grey[i] - low) / (high - low)));
    data.fill(Math.round(255 * (turn ? 1 - v : v)), 4 * i, 4 * i + 3);
    data[4 * i + 3] = 255;
  }
}
