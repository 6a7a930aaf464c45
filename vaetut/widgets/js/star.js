// @ts-check
// A star, drawn as Python's polar.draw draws it.

import { make } from "./nodes.js";

let sheet;

/**
 * Draw the star of a and b on a square canvas: white on black, with the same ink at every
 * size. Browsers draw lines of a pixel too faint: so four times as large first, and then
 * halved twice.
 */
export function drawStar(canvas, /** @type {number} */ side, { limit, ink, petals, vertices }, a, b) {
  if (!side) return;
  sheet ??= make("canvas");
  let wide = side * (side < 512 ? 4 : 2);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  if (sheet.width !== wide) sheet.width = sheet.height = wide;
  const pen = sheet.getContext("2d"), scale = wide / (2 * limit);
  pen.fillRect(0, 0, wide, wide);
  pen.beginPath();
  for (let k = 0; k < vertices - 1; k++) {
    const theta = Math.PI * ((2 * k) / (vertices - 1) - 1), r = b * Math.cos(petals * theta) + a;
    pen.lineTo(wide / 2 + scale * r * Math.cos(theta), wide / 2 - scale * r * Math.sin(theta));
  }
  pen.closePath();
  Object.assign(pen, { strokeStyle: "#fff", lineWidth: wide * ink, lineJoin: "round" });
  pen.stroke();
  for (; wide > 2 * side; wide /= 2) pen.drawImage(sheet, 0, 0, wide, wide, 0, 0, wide / 2, wide / 2);
  canvas.getContext("2d").drawImage(sheet, 0, 0, wide, wide, 0, 0, side, side);
}
