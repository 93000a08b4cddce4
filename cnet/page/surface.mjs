// The plane of two inputs: what the network, or one of its units, makes of every point of it.

import { classColor, largestSize, paintClasses, paintSigned } from "./colors.mjs";
import { el, pixelCanvas, svg } from "./dom.mjs";
import { classesOf, inputName } from "./names.mjs";
import { forward } from "./network.mjs";
import { plain } from "./numbers.mjs";

// The plane reaches a little beyond the samples.
export function planeOf(model) {
  const { low, high } = model.input;
  const margin = low.map((from, i) => 0.08 * (high[i] - from));
  return { low: low.map((from, i) => from - margin[i]), high: high.map((to, i) => to + margin[i]) };
}

// A pass for each point of a grid of side x side, rows from the top.
export function gridOf(network, plane, side) {
  return Array.from({ length: side * side }, (_, n) => {
    const across = ((n % side) + 0.5) / side, down = (Math.floor(n / side) + 0.5) / side;
    return forward(network, [
      plane.low[0] + across * (plane.high[0] - plane.low[0]), plane.high[1] - down * (plane.high[1] - plane.low[1]),
    ]);
  });
}

const POINTS = 80;

export function surfaceView(store, text, chosen) {
  const { model } = store.state, plane = planeOf(model);
  const canvas = pixelCanvas(POINTS, POINTS), context = svg("g"), here = svg("circle", { class: "here", r: 1.6 });
  const view = svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" }, context, here);
  const toView = (x) => [
    (100 * (x[0] - plane.low[0])) / (plane.high[0] - plane.low[0]),
    100 - (100 * (x[1] - plane.low[1])) / (plane.high[1] - plane.low[1]),
  ];
  const samples = [...(store.state.train ?? []), ...(store.state.test ?? [])];
  const dots = samples.map(({ x, label, t }) => {
    const [cx, cy] = toView(x);
    return { dot: svg("circle", { cx, cy, r: 0.9, class: "sample" }), label, value: t[0] };
  });
  context.append(...dots.map(({ dot }) => dot));
  const frame = el("div", { class: "plane", tabindex: 0, role: "application", "aria-label": text.plane }, canvas, view);
  const pointOf = (event) => {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const across = (event.clientX - left) / width, down = (event.clientY - top) / height;
    return [
      plane.low[0] + across * (plane.high[0] - plane.low[0]), plane.high[1] - down * (plane.high[1] - plane.low[1]),
    ];
  };
  frame.addEventListener("pointerdown", (event) => event.button === 0 && chosen(pointOf(event)));
  frame.addEventListener("pointermove", (event) => event.buttons & 1 && chosen(pointOf(event)));
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  frame.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    chosen(Array.from(store.state.input.x, (x, i) => x + (move[i] * (plane.high[i] - plane.low[i])) / 50));
  });

  let painted = null;
  store.follow((state) => {
    const [cx, cy] = toView(state.input.x);
    here.setAttribute("cx", cx);
    here.setAttribute("cy", cy);
    frame.setAttribute("aria-valuetext", Array.from(state.input.x, (x) => plain(x, 2)).join(", "));
    if (painted === state.version) return;
    painted = state.version;
    const range = paintPrediction(canvas, model, gridOf(state.network, plane, POINTS));
    dots.forEach(({ dot, label, value }) => dot.setAttribute("fill", dotColor(label, value, range)));
  });
  return el(
    "figure", { class: "surface" }, el("figcaption", {}, text.planeCaption), frame,
    el("p", { class: "note" }, `→ ${inputName(model, text, 0)}, ↑ ${inputName(model, text, 1)}`),
  );
}

function paintPrediction(canvas, model, passes) {
  const chooses = model.loss.name === "cross_entropy" || model.sizes.at(-1) === 1;
  const ranked = passes.map(({ y }) => (chooses ? classesOf(model, y) : null));
  if (ranked[0]) {
    // 0 where two classes are equally likely.
    paintClasses(canvas, ranked.map(([best]) => best.k), ranked.map(([best, next]) => best.p - next.p));
    return null;
  }
  // The first output, around the middle of what it takes.
  const values = passes.map(({ y }) => y[0]);
  const middle = (Math.min(...values) + Math.max(...values)) / 2;
  const scale = largestSize(values.map((each) => each - middle));
  paintSigned(canvas, values.map((each) => each - middle), scale);
  return { middle, scale };
}

function dotColor(label, value, range) {
  if (label !== undefined) return `rgb(${classColor(label).join(" ")})`;
  return range && value > range.middle ? "var(--positive)" : "var(--negative)";
}
