import assert from "node:assert/strict";
import { test } from "node:test";

import { makeDrawing } from "../../cnet/page/drawing.mjs";
import { decodeStrokes, encodeStrokes, readHash, writeHash } from "../../cnet/page/hash.mjs";
import { boxOf, prepare, resized } from "../../cnet/page/image.mjs";
import { PEN, SHEET, emptySheet, sheetOf } from "../../cnet/page/ink.mjs";

test("a dot is a disc of the pen's size", () => {
  const ink = sheetOf([[[0.5, 0.5]]]).reduce((sum, each) => sum + each, 0);
  assert.ok(Math.abs(ink / (Math.PI * (PEN * SHEET) ** 2) - 1) < 0.01);
});

test("a line leaves the same ink in one piece and in many, and none beyond the sheet", () => {
  const whole = sheetOf([[[0.2, 0.1], [0.6, 0.9]]]);
  const pieces = sheetOf([Array.from({ length: 41 }, (_, n) => [0.2 + 0.01 * n, 0.1 + 0.02 * n])]);
  assert.ok(whole.every((each, n) => Math.abs(each - pieces[n]) < 1e-4));
  assert.ok(sheetOf([[[0, 0], [1, 1]]]).every((each) => each >= 0 && each <= 1));
});

test("box and centre of a bar", () => {
  const sheet = new Float32Array(100 * 100);
  for (let row = 20; row < 80; row++) for (let column = 10; column < 22; column++) sheet[100 * row + column] = 1;
  assert.deepEqual(boxOf(sheet, 100), { left: 10, top: 20, width: 12, height: 60 });
  const { pixels, placed } = prepare(sheet, 100);
  // 60 x 12 becomes 20 x 4; its centre of mass, 9.5 and 1.5 within it, comes to 14 or half a pixel beside it.
  assert.deepEqual(placed, { left: 13, top: 5, width: 4, height: 20 });
  assert.equal(pixels.reduce((sum, each) => sum + each, 0), 255 * 80);
  assert.equal(prepare(emptySheet()), null);
});

test("scaling keeps what is even, and the mean", () => {
  assert.ok(resized(new Float32Array(35).fill(0.25), 7, 5, 3, 2).every((each) => Math.abs(each - 0.25) < 1e-7));
  const ramp = Float32Array.from({ length: 64 }, (_, n) => n % 8), half = resized(ramp, 8, 8, 4, 4);
  assert.ok(Math.abs(half.reduce((sum, each) => sum + each, 0) / 16 - 3.5) < 1e-6);
});

test("undo takes the last stroke back, and clear all of them", () => {
  const told = [], drawing = makeDrawing((input) => told.push(input));
  drawing.begin([0.3, 0.3]);
  drawing.extend([[0.3, 0.6]]);
  const first = drawing.sheet.slice();
  drawing.end();
  drawing.begin([0.7, 0.7]);
  drawing.undo();
  assert.deepEqual([...drawing.sheet], [...first]);
  drawing.clear();
  assert.equal(told.at(-1).image, null);
  // Only whole strokes go into the address.
  assert.deepEqual(told.map(({ whole }) => whole), [false, false, true, false, true, true]);
});

test("a drawing comes back from an address to a 254th of the sheet", () => {
  const strokes = [[[0, 0], [0.5, 0.25], [1, 1]], [[0.123, 0.987]]], back = decodeStrokes(encodeStrokes(strokes));
  assert.deepEqual(back.map((stroke) => stroke.length), [3, 1]);
  back.flat(2).forEach((each, n) => assert.ok(Math.abs(each - strokes.flat(2)[n]) <= 0.5 / 254 + 1e-12));
});

test("an address that is no drawing is none", () => {
  for (const text of ["", "!", "A", "_w", "AA_w", btoa("\u0001"), "<img src=x>", "A".repeat(50_000)]) assert.equal(decodeStrokes(text), null, text.slice(0, 9));
  assert.deepEqual(readHash("#d=%%%&x=1,a"), { strokes: null, numbers: null, language: null, theme: null });
});

test("what an address keeps", () => {
  const hash = writeHash({ numbers: [0.5, -1.25], language: "zh", theme: "dark" });
  assert.equal(hash, "#x=0.5,-1.25&lang=zh&theme=dark");
  assert.deepEqual(readHash(hash), { strokes: null, numbers: [0.5, -1.25], language: "zh", theme: "dark" });
  assert.equal(writeHash({ strokes: [], numbers: null, language: null, theme: null }), "");
});
