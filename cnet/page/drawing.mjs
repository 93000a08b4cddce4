// A drawing as it grows: strokes, their ink, and what the network gets of it at every point.

import { drawStroke, emptySheet, sheetOf } from "./ink.mjs";
import { prepare } from "./image.mjs";

// changed(input): called at every change, with what the page takes as its input.
export function makeDrawing(changed) {
  const drawing = {
    strokes: [], sheet: emptySheet(),
    begin(point) {
      drawing.strokes.push([point]);
      drawStroke(drawing.sheet, drawing.strokes.at(-1));
      tell(false);
    },
    extend(points) {
      const stroke = drawing.strokes.at(-1), begin = stroke.length;
      stroke.push(...points);
      drawStroke(drawing.sheet, stroke, begin);
      tell(false);
    },
    end: () => tell(true),
    set(strokes) {
      drawing.strokes = strokes;
      drawing.sheet = sheetOf(strokes);
      tell(true);
    },
    undo: () => drawing.set(drawing.strokes.slice(0, -1)),
    clear: () => drawing.set([]),
    // Something else is shown; the next stroke begins a new drawing.
    forget() {
      drawing.strokes = [];
      drawing.sheet = emptySheet();
    },
  };
  const tell = (whole) => {
    const prepared = prepare(drawing.sheet);
    changed({ kind: "drawing", image: prepared?.pixels ?? null, prepared, whole });
  };
  return drawing;
}
