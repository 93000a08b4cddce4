// A loss curve: the loss of every step, thin, and its moving average.

import { el, svg } from "./dom.mjs";
import { plain } from "./numbers.mjs";

const WIDTH = 560, HEIGHT = 200, LEFT = 44, BOTTOM = 26, TOP = 8;
// So many points can be told apart on the screen.
const MOST_POINTS = 280;

// The mean of each stretch of values, in at most MOST_POINTS stretches: [middle, mean] pairs.
export function thinned(values, most = MOST_POINTS) {
  const length = Math.max(1, Math.ceil(values.length / most)), result = [];
  for (let begin = 0; begin < values.length; begin += length) {
    const part = values.slice(begin, begin + length);
    result.push([begin + (part.length - 1) / 2, part.reduce((sum, each) => sum + each, 0) / part.length]);
  }
  return result;
}

// An average that forgets: each value counts a tenth when it is new.
export function smoothed(points, share = 0.1) {
  let mean = points[0]?.[1];
  return points.map(([n, value]) => [n, (mean += share * (value - mean))]);
}

export function curveView(text) {
  const each = svg("path", { class: "each" }), average = svg("path", { class: "average" });
  const axes = svg("path", { class: "axes", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH}` });
  const labels = Array.from({ length: 5 }, () => svg("text"));
  const picture = svg(
    "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img" }, axes, each, average, labels,
  );
  const place = (label, x, y, words, anchor) => {
    label.setAttribute("x", x);
    label.setAttribute("y", y);
    label.setAttribute("text-anchor", anchor);
    label.textContent = words;
  };
  const show = (losses) => {
    const points = thinned(losses), most = Math.max(...points.map(([, loss]) => loss), 1e-9);
    const xOf = (n) => LEFT + ((WIDTH - LEFT - 4) * n) / Math.max(1, losses.length - 1);
    const yOf = (loss) => TOP + (HEIGHT - BOTTOM - TOP) * (1 - loss / most);
    const point = ([n, loss]) => `${xOf(n).toFixed(1)} ${yOf(loss).toFixed(1)}`;
    const path = (line) => `M${line.map(point).join("L")}`;
    each.setAttribute("d", points.length > 1 ? path(points) : "");
    average.setAttribute("d", points.length > 1 ? path(smoothed(points)) : "");
    place(labels[0], LEFT - 6, TOP + 9, losses.length ? plain(most) : "", "end");
    place(labels[1], LEFT - 6, HEIGHT - BOTTOM, "0", "end");
    place(labels[2], WIDTH - 4, HEIGHT - 8, losses.length ? String(losses.length) : "", "end");
    place(labels[3], (LEFT + WIDTH) / 2, HEIGHT - 8, text.steps, "middle");
    place(labels[4], WIDTH - 8, TOP + 14, text.lossAxis, "end");
    picture.setAttribute("aria-label", losses.length
      ? text.curveLabel(losses.length, plain(losses[0]), plain(losses.at(-1))) : text.noCurve);
  };
  show([]);
  return { view: el("div", { class: "curve-frame" }, picture), show };
}
