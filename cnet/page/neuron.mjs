// One unit in full: its weights, its sum with the numbers of this input, what pushed it up and down, and where
// its activation goes.

import { ACTIVATIONS } from "./activations.mjs";
import { largestSize, paintInk, paintSigned } from "./colors.mjs";
import { el, pixelCanvas } from "./dom.mjs";
import { inputName, isOutput, outputName, unitName } from "./names.mjs";
import { inputGradient, inputsOf } from "./network.mjs";
import { largest, percent, plain, signed } from "./numbers.mjs";

const SHOWN = 5;

export function neuronView(store, text) {
  const panel = el("div", { class: "neuron", "aria-live": "off" });
  let shown = store.state.selected;
  store.follow((state) => {
    // Where the panel lies below the layers, a choice leads to it.
    if (state.selected !== shown && matchMedia("(max-width: 62rem)").matches) {
      requestAnimationFrame(() => panel.scrollIntoView({ block: "start", behavior: "smooth" }));
    }
    shown = state.selected;
    if (!state.selected) {
      panel.replaceChildren(el("p", { class: "placeholder" }, text.chooseUnit));
      return;
    }
    // What is rebuilt keeps the focus where it was.
    const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.unit : null;
    panel.replaceChildren(...contentsOf(state, store, text));
    if (focused) panel.querySelector(`[data-unit="${focused}"]`)?.focus();
  });
  return panel;
}

function contentsOf(state, store, text) {
  const { model, network, pass, selected: { layer, unit } } = state;
  const heading = el("h3", {}, unitName(model, text, layer, unit));
  if (!pass) return [heading, el("p", { class: "placeholder" }, text.drawFirst)];
  const units = model.sizes[layer + 1], inputs = inputsOf(pass, layer);
  const weights = Float64Array.from(inputs, (_, i) => network.weights[layer][i * units + unit]);
  const products = weights.map((w, i) => w * inputs[i]);
  const unitOf = { state, store, text, layer, unit, inputs, weights, products };
  return [
    heading,
    layer === 0 && model.input.kind === "image" ? pictures(unitOf) : deepPicture(unitOf),
    formula(unitOf), pushes(unitOf), isOutput(model, layer) ? null : passedOn(unitOf),
  ].filter(Boolean);
}

function picture(model, caption, paint) {
  const canvas = pixelCanvas(model.input.width, model.input.height, caption);
  paint(canvas);
  return el("figure", {}, el("div", { class: "frame" }, canvas), el("figcaption", {}, caption));
}

// input x weights = products, pixel by pixel
function pictures({ state: { model, input }, text, weights, products }) {
  return el(
    "div", { class: "product" },
    picture(model, text.yourInput, (canvas) => paintInk(canvas, input.image, 255)), el("b", {}, "×"),
    picture(model, text.itsWeights, (canvas) => paintSigned(canvas, weights)), el("b", {}, "="),
    picture(model, text.itsProducts, (canvas) => paintSigned(canvas, products)),
  );
}

// A unit further in has no weights for pixels; but its sum has a derivative with respect to every pixel.
function deepPicture({ state: { model, network, pass }, text, layer, unit }) {
  if (model.input.kind !== "image") return null;
  const delta = new Float64Array(model.sizes[layer + 1]);
  delta[unit] = 1;
  const slopes = inputGradient(network, pass, delta, layer);
  return el("div", { class: "product" }, picture(model, text.pixelSlopes, (canvas) => paintSigned(canvas, slopes)));
}

function formula({ state, text, layer, unit, products }) {
  const { model, network, pass } = state;
  let up = 0, down = 0;
  for (const product of products) product > 0 ? (up += product) : (down += product);
  const b = network.biases[layer][unit], a = pass.a[layer][unit];
  const letter = isOutput(model, layer) ? "s" : "a";
  const lines = [
    el("p", {}, el("i", {}, letter), " = Σ ", el("i", {}, "x·w"), " + ", el("i", {}, "b"), " = ",
      el("span", { class: "up" }, signed(up)), " ", el("span", { class: "down" }, signed(down)), " ",
      el("span", {}, signed(b)), " = ", el("b", {}, plain(a))),
    el("p", { class: "note" }, text.sumParts),
  ];
  if (!isOutput(model, layer)) {
    const name = model.activations[layer];
    lines.push(el("p", {}, el("i", {}, "z"), ` = ${name}(`, el("i", {}, "a"), `) = ${ACTIVATIONS[name].formula} = `,
      el("b", {}, plain(pass.z[layer][unit]))));
  } else lines.push(...outputLines(state, text, unit));
  return el("div", { class: "formula" }, lines);
}

function outputLines({ model, pass }, text, unit) {
  const s = pass.scores[unit], y = pass.y[unit];
  if (model.loss.name === "cross_entropy") {
    const total = pass.scores.reduce((sum, each) => sum + Math.exp(each), 0);
    return [
      el("p", {}, el("i", {}, "p"), " = e", el("sup", {}, plain(s)), " / Σ e", el("sup", {}, "s"),
        ` = ${plain(Math.exp(s), 3)} / ${plain(total, 3)} = `, el("b", {}, percent(y))),
      el("p", { class: "note" }, text.softmax),
    ];
  }
  if (model.loss.name === "binary_cross_entropy") {
    return [el("p", {}, el("i", {}, "p"), ` = 1 / (1 + e`, el("sup", {}, plain(-s)), ") = ", el("b", {}, percent(y)))];
  }
  if (model.loss.name === "poisson") {
    return [el("p", {}, el("i", {}, "y"), " = e", el("sup", {}, plain(s)), " = ", el("b", {}, plain(y)))];
  }
  return [el("p", {}, el("i", {}, "y"), " = ", el("i", {}, "s"), " = ", el("b", {}, plain(y)))];
}

// The largest terms of the sum, on either side.
function pushes({ state: { model, pass }, store, text, layer, inputs, weights, products }) {
  const scale = largestSize(products);
  const spoke = layer > 0;
  const side = (title, order, kind) => el(
    "div", {}, el("h4", {}, title),
    order.length ? el("ol", { class: "terms" }, order.map((i) => term(i, kind)))
      : el("p", { class: "note" }, text.nothing),
  );
  const term = (i, kind) => {
    const name = spoke ? unitName(model, text, layer - 1, i) : inputName(model, text, i);
    const content = [
      el("span", { class: "name" }, name),
      track("track", kind, Math.abs(products[i]) / scale),
      el("span", { class: "value" }, `${plain(inputs[i])} × ${plain(weights[i])} = ${signed(products[i])}`),
    ];
    return el("li", {}, spoke ? choose(store, layer - 1, i, content) : content);
  };
  const up = largest(products, SHOWN).filter((i) => products[i] > 0);
  const down = largest(products.map((each) => -each), SHOWN).filter((i) => products[i] < 0);
  const titles = spoke ? [text.spokeFor, text.spokeAgainst] : [text.pushedUp, text.pushedDown];
  return el("div", { class: "pushes" }, side(titles[0], up, ""), side(titles[1], down, "negative"));
}

function track(kind, sign, share) {
  return el("span", { class: kind }, el("span", { class: `fill ${sign}`, style: { transform: `scaleX(${share})` } }));
}

function choose(store, layer, unit, content) {
  const onclick = () => store.change({ selected: { layer, unit } });
  return el("button", { type: "button", class: "link", "data-unit": `${layer}-${unit}`, onclick }, content);
}

// What the activation adds to each unit of the next layer.
function passedOn({ state: { model, network, pass }, store, text, layer, unit }) {
  const z = pass.z[layer][unit], count = model.sizes[layer + 2], w = network.weights[layer + 1];
  const weights = Float64Array.from({ length: count }, (_, k) => w[unit * count + k]);
  const products = weights.map((each) => z * each), scale = largestSize(products);
  const next = count <= 12 ? weights.map((_, k) => k) : largest(weights.map(Math.abs), 10);
  const nameOf = (k) => (isOutput(model, layer + 1) ? outputName(model, k) : unitName(model, text, layer + 1, k));
  const rows = Array.from(next, (k) => el("li", {}, choose(store, layer + 1, k, [
    el("span", { class: "name" }, nameOf(k)),
    track("track middle", products[k] < 0 ? "negative" : "", scale ? products[k] / scale : 0),
    el("span", { class: "value" }, `${plain(z)} × ${plain(weights[k])} = ${signed(products[k])}`),
  ])));
  return el("div", {}, el("h4", {}, text.passesOn), el("ol", { class: "terms" }, rows));
}
