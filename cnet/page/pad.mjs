// The sheet to draw on, with mouse, pen, finger or keyboard; and what the network sees of it.

import { paintInk } from "./colors.mjs";
import { el, pixelCanvas, svg } from "./dom.mjs";
import { BOX, SIDE } from "./image.mjs";
import { PEN, SHEET } from "./ink.mjs";

// How far an arrow key moves the pen, as a share of the sheet.
const STRIDE = 0.025;

// drawing: {strokes, sheet, begin(point), extend(points), undo(), clear()}, see drawing.mjs.
export function padView(store, text, drawing) {
  const sheet = el("canvas", { width: SHEET, height: SHEET });
  const box = svg("rect", { class: "box" }), middle = svg("path", { class: "middle" });
  const cursor = svg("circle", { class: "cursor", r: PEN * SHEET, visibility: "hidden" });
  const marks = svg("svg", { viewBox: `0 0 ${SHEET} ${SHEET}`, "aria-hidden": "true" }, box, middle, cursor);
  const hint = el("p", { class: "hint", "aria-hidden": "true" }, text.drawHere);
  const pad = el(
    "div", { class: "pad", tabindex: 0, role: "application", "aria-label": text.pad, "aria-describedby": "pad-keys" },
    sheet, marks, hint,
  );
  usePointer(pad, drawing);
  useKeys(pad, drawing, cursor);

  const undo = el("button", { type: "button", onclick: () => drawing.undo() }, text.undo);
  const clear = el("button", { type: "button", onclick: () => drawing.clear() }, text.clear);
  store.follow(({ input }) => {
    const drawn = input.kind === "drawing";
    paintInk(sheet, drawn ? drawing.sheet : enlarged(input));
    sheet.classList.toggle("faint", !drawn);
    hint.hidden = drawn && drawing.strokes.length > 0;
    for (const mark of [box, middle]) mark.setAttribute("visibility", drawn && input.prepared ? "visible" : "hidden");
    if (drawn && input.prepared) placeMarks(box, middle, input.prepared);
    undo.disabled = clear.disabled = !drawn || !drawing.strokes.length;
  });
  return el(
    "figure", { class: "sheet" },
    el("figcaption", {}, text.padCaption), pad, el("div", { class: "row" }, undo, clear),
    el("p", { id: "pad-keys", class: "keys" }, text.padKeys),
  );
}

// A sample of 28 x 28 pixels on the sheet.
function enlarged({ image }) {
  const result = new Float32Array(SHEET * SHEET), scale = SHEET / SIDE;
  if (!image) return result;
  for (let n = 0; n < result.length; n++) {
    result[n] = image[Math.floor(Math.floor(n / SHEET) / scale) * SIDE + Math.floor((n % SHEET) / scale)] / 255;
  }
  return result;
}

// The ink's box, and the middle of the 28 x 28 pixels that the network gets, both on the sheet.
function placeMarks(rect, path, { box, placed }) {
  for (const [name, value] of [["x", box.left], ["y", box.top], ["width", box.width], ["height", box.height]]) {
    rect.setAttribute(name, value);
  }
  const scale = Math.max(box.width, box.height) / BOX;
  const x = box.left + (SIDE / 2 - placed.left) * scale, y = box.top + (SIDE / 2 - placed.top) * scale;
  path.setAttribute("d", `M${x - 7} ${y}h14M${x} ${y - 7}v14`);
}

function usePointer(pad, drawing) {
  let active = null;
  const pointOf = (event) => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    const within = (value) => Math.max(0, Math.min(1, value));
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || active !== null) return;
    active = event.pointerId;
    try {
      pad.setPointerCapture(active);
    } catch {
      // A pointer that a program made up cannot be captured; it draws all the same.
    }
    pad.focus({ preventScroll: true });
    drawing.begin(pointOf(event));
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== active) return;
    const all = event.getCoalescedEvents?.() ?? [];
    drawing.extend((all.length ? all : [event]).map(pointOf));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    pad.addEventListener(name, (event) => {
      if (event.pointerId !== active) return;
      active = null;
      drawing.end();
    });
  }
}

// Arrows move the pen, the space bar sets it down and lifts it.
function useKeys(pad, drawing, cursor) {
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let at = [0.5, 0.3], down = false;
  const show = () => {
    cursor.setAttribute("visibility", "visible");
    cursor.setAttribute("cx", at[0] * SHEET);
    cursor.setAttribute("cy", at[1] * SHEET);
    cursor.classList.toggle("down", down);
  };
  const lift = () => {
    if (down) drawing.end();
    down = false;
  };
  pad.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (move) {
      at = at.map((each, n) => Math.max(0, Math.min(1, each + STRIDE * move[n])));
      if (down) drawing.extend([at]);
    } else if (event.key === " ") {
      down = !down;
      if (down) drawing.begin(at);
      else drawing.end();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      lift();
      drawing.clear();
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
      lift();
      drawing.undo();
    } else return;
    event.preventDefault();
    show();
  });
  pad.addEventListener("blur", () => {
    lift();
    cursor.setAttribute("visibility", "hidden");
  });
}

// The 28 x 28 pixels that the network gets, with the box of 20 x 20 that the digit was scaled to fit.
export function seenView(store, text) {
  const canvas = pixelCanvas(SIDE, SIDE, text.seenLabel);
  const box = svg("rect", { class: "box" });
  const marks = svg(
    "svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" },
    box, svg("path", { class: "middle", d: `M${SIDE / 2 - 0.7} ${SIDE / 2}h1.4M${SIDE / 2} ${SIDE / 2 - 0.7}v1.4` }),
  );
  store.follow(({ input }) => {
    paintInk(canvas, input.image ?? new Uint8Array(SIDE * SIDE), 255);
    const placed = input.prepared?.placed;
    box.setAttribute("visibility", placed ? "visible" : "hidden");
    if (!placed) return;
    // The box of 20 x 20 lies around the digit, whose longer side it has.
    box.setAttribute("x", placed.left - (BOX - placed.width) / 2);
    box.setAttribute("y", placed.top - (BOX - placed.height) / 2);
    box.setAttribute("width", BOX);
    box.setAttribute("height", BOX);
  });
  return el(
    "figure", { class: "seen" }, el("figcaption", {}, text.seenCaption), el("div", { class: "frame" }, canvas, marks),
    el("p", { class: "note" }, text.seenNote),
  );
}
