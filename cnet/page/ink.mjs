// What a pen leaves on the sheet: strokes as points from 0 to 1, and a raster of how much ink each pixel has.
// Drawn here and not by the browser, so that every browser, and every test, gets the same pixels.

export const SHEET = 280;
export const PEN = 0.042;

export function emptySheet() {
  return new Float32Array(SHEET * SHEET);
}

// A round pen of radius PEN (a share of the sheet) goes straight from one point to the next.
export function drawLine(sheet, from, to, radius = PEN * SHEET) {
  const [x0, y0, x1, y1] = [from[0] * SHEET, from[1] * SHEET, to[0] * SHEET, to[1] * SHEET];
  const dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
  const clamp = (value) => Math.max(0, Math.min(SHEET, value));
  const reach = radius + 1;
  const left = clamp(Math.floor(Math.min(x0, x1) - reach)), right = clamp(Math.ceil(Math.max(x0, x1) + reach));
  const top = clamp(Math.floor(Math.min(y0, y1) - reach)), end = clamp(Math.ceil(Math.max(y0, y1) + reach));
  for (let row = top; row < end; row++) {
    for (let column = left; column < right; column++) {
      const px = column + 0.5 - x0, py = row + 0.5 - y0;
      const along = length2 ? Math.max(0, Math.min(1, (px * dx + py * dy) / length2)) : 0;
      const distance = Math.hypot(px - along * dx, py - along * dy);
      // The edge is one pixel wide.
      const ink = Math.max(0, Math.min(1, radius + 0.5 - distance));
      const at = row * SHEET + column;
      if (ink > sheet[at]) sheet[at] = ink;
    }
  }
}

// The points that a stroke has from index `begin` on; a stroke of one point is a dot.
export function drawStroke(sheet, stroke, begin = 0) {
  if (begin === 0) drawLine(sheet, stroke[0], stroke[0]);
  for (let n = Math.max(1, begin); n < stroke.length; n++) drawLine(sheet, stroke[n - 1], stroke[n]);
}

export function sheetOf(strokes) {
  const sheet = emptySheet();
  for (const stroke of strokes) drawStroke(sheet, stroke);
  return sheet;
}
