// From a sheet to an image of MNIST's kind: box and centre, as cnet.images.read_digit does it.
//
// The ink's box is scaled to fit 20 x 20 pixels, its proportions kept, and moved within 28 x 28 so that its centre
// of mass is in the middle.

import { SHEET } from "./ink.mjs";

export const SIDE = 28, BOX = 20, CENTRE = 14;
// The border of the box is made of ink that is at least this share of full ink.
const SOFT_EDGE = 0.2;

// The smallest box with all the ink: {left, top, width, height} in pixels of the sheet; null without ink.
export function boxOf(sheet, side = SHEET) {
  let most = 0;
  for (const ink of sheet) most = Math.max(most, ink);
  if (most <= 0) return null;
  let left = side, right = -1, top = side, bottom = -1;
  for (let row = 0, at = 0; row < side; row++) {
    for (let column = 0; column < side; column++, at++) {
      if (sheet[at] <= SOFT_EDGE * most) continue;
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, row);
      bottom = row;
    }
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

// For each new pixel: which old ones it averages, and by which weights. A triangle filter, which is as
// wide as a new pixel where the image is reduced, and as an old one where it is enlarged.
function filterOf(from, to) {
  const scale = from / to, width = Math.max(1, scale);
  return Array.from({ length: to }, (_, n) => {
    const centre = (n + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - width + 0.5)), end = Math.min(from, Math.trunc(centre + width + 0.5));
    const weights = [];
    for (let m = begin; m < end; m++) weights.push(Math.max(0, 1 - Math.abs((m - centre + 0.5) / width)));
    const total = weights.reduce((sum, each) => sum + each, 0);
    return { begin, weights: weights.map((each) => each / total) };
  });
}

// An image (rows one after the other) scaled to another width and height.
export function resized(image, width, height, newWidth, newHeight) {
  const across = new Float32Array(newWidth * height), result = new Float32Array(newWidth * newHeight);
  filterOf(width, newWidth).forEach(({ begin, weights }, column) => {
    for (let row = 0; row < height; row++) {
      let sum = 0;
      weights.forEach((weight, m) => (sum += weight * image[row * width + begin + m]));
      across[row * newWidth + column] = sum;
    }
  });
  filterOf(height, newHeight).forEach(({ begin, weights }, row) => {
    for (let column = 0; column < newWidth; column++) {
      let sum = 0;
      weights.forEach((weight, m) => (sum += weight * across[(begin + m) * newWidth + column]));
      result[row * newWidth + column] = sum;
    }
  });
  return result;
}

// Half to even, as NumPy rounds.
function rounded(value) {
  const floor = Math.floor(value), rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

// {pixels: 784 numbers from 0 to 255, box: on the sheet, placed: where the box came to lie within 28 x 28}; null for
// an empty sheet.
export function prepare(sheet, side = SHEET) {
  const box = boxOf(sheet, side);
  if (!box) return null;
  const cut = new Float32Array(box.width * box.height);
  for (let row = 0; row < box.height; row++) {
    const begin = (box.top + row) * side + box.left;
    cut.set(sheet.subarray(begin, begin + box.width), row * box.width);
  }
  const scale = BOX / Math.max(box.width, box.height);
  const width = Math.max(1, rounded(box.width * scale)), height = Math.max(1, rounded(box.height * scale));
  const small = resized(cut, box.width, box.height, width, height);
  return { box, ...centred(small, width, height) };
}

function centred(small, width, height) {
  let most = 0, mass = 0, rows = 0, columns = 0;
  for (const ink of small) most = Math.max(most, ink);
  small.forEach((ink, at) => {
    mass += ink;
    rows += ink * Math.floor(at / width);
    columns += ink * (at % width);
  });
  const place = (middle, size) => Math.max(0, Math.min(SIDE - size, Math.floor(CENTRE - middle + 0.5)));
  const top = place(rows / mass, height), left = place(columns / mass, width);
  const pixels = new Uint8Array(SIDE * SIDE);
  small.forEach((ink, at) => {
    // Thin strokes fade as they are averaged with the sheet; the whitest pixel is white.
    pixels[(top + Math.floor(at / width)) * SIDE + left + (at % width)] = rounded((ink / most) * 255);
  });
  return { pixels, placed: { left, top, width, height } };
}
