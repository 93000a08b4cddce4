// The layers from left to right: the input, a tile for every hidden unit, the outputs. Any unit can be chosen.

import { paintInk, paintSigned, largestSize, signedColor } from "./colors.mjs";
import { el, pixelCanvas } from "./dom.mjs";
import { inputName, isProbability, outputName, unitName } from "./names.mjs";
import { grouped, largest, percent, plain } from "./numbers.mjs";
import { gridOf, planeOf } from "./surface.mjs";

// So many units of a layer have a tile from the beginning.
const MOST_TILES = 100;
// Points along a side of the plane in a tile.
const TILE = 20;

export function overviewView(store, text) {
  const { model } = store.state;
  const columns = [inputColumn(store, text)];
  for (let layer = 0; layer < model.sizes.length - 2; layer++) columns.push(hiddenColumn(store, text, layer));
  columns.push(outputColumn(store, text));
  return el(
    "div", { class: "layers" },
    columns.flatMap((column, n) => (n ? [el("span", { class: "arrow", "aria-hidden": "true" }), column] : [column])),
  );
}

function column(kind, title, detail, ...children) {
  return el("div", { class: `layer ${kind}` }, el("h3", {}, title, el("small", {}, detail)), ...children);
}

function inputColumn(store, text) {
  const { model } = store.state, count = text.inputCount(grouped(model.sizes[0]), model.input.kind === "image");
  if (model.input.kind === "image") {
    const canvas = pixelCanvas(model.input.width, model.input.height);
    store.follow(({ input }) => paintInk(canvas, input.image ?? new Uint8Array(model.sizes[0]), 255));
    return column("inputs", text.inputLayer, count, el("div", { class: "frame" }, canvas));
  }
  const shown = Math.min(12, model.sizes[0]);
  const items = Array.from({ length: shown }, () => el("li"));
  store.follow(({ input }) => {
    items.forEach((item, i) => (item.textContent = `${inputName(model, text, i)} = ${plain(input.x[i])}`));
  });
  const more = shown < model.sizes[0] ? el("li", {}, "…") : null;
  return column("inputs", text.inputLayer, count, el("ul", {}, items, more));
}

function hiddenColumn(store, text, layer) {
  const { model } = store.state, count = model.sizes[layer + 1];
  const title = model.sizes.length === 3 ? text.hiddenLayer : text.hiddenLayerOf(layer + 1);
  const grid = el("div", { class: "tiles" });
  const tiles = [];
  const all = () => (grow(count), store.change({}));
  const more = el("button", { type: "button", class: "more", onclick: all }, text.showAll(grouped(count)));
  const grow = (to) => {
    while (tiles.length < to) tiles.push(makeTile(store, text, layer, tiles.length));
    grid.replaceChildren(...tiles.map(({ button }) => button));
    more.hidden = tiles.length === count;
  };
  grow(Math.min(count, MOST_TILES));
  const face = facesOf(model, layer);
  store.follow((state) => {
    face?.(state, tiles);
    const z = state.pass?.z[layer], scale = z ? largestSize(z) : 0;
    tiles.forEach(({ button, level, name }, j) => {
      const value = z ? z[j] : 0;
      level.style.transform = `scaleX(${scale ? Math.abs(value) / scale : 0})`;
      level.classList.toggle("negative", value < 0);
      if (!face) button.style.setProperty("background-color", signedColor(value, scale));
      const chosen = state.selected?.layer === layer && state.selected.unit === j;
      button.setAttribute("aria-pressed", chosen);
      const label = z ? `${name}: ${plain(value)}` : name;
      button.setAttribute("aria-label", label);
      button.title = label;
    });
  });
  return column("hidden", title, text.unitCount(grouped(count), model.activations[layer]), grid, more);
}

function makeTile(store, text, layer, unit) {
  const { model } = store.state, name = unitName(model, text, layer, unit);
  const drawn = hasFace(model, layer);
  const { width, height } = model.input.kind === "image" ? model.input : { width: TILE, height: TILE };
  const canvas = drawn ? pixelCanvas(width, height) : null;
  const level = el("span", { class: "fill" });
  const button = el(
    "button", { type: "button", class: "tile", onclick: () => store.change({ selected: { layer, unit } }) },
    canvas, el("span", { class: "track" }, level),
  );
  return { button, canvas, level, name };
}

function hasFace(model, layer) {
  return model.input.kind === "image" ? layer === 0 : model.sizes[0] === 2;
}

// What tiles show: the weights of a first layer that reads an image; of networks with two inputs the activation on
// their plane. Other units have no face but the colour of their activation. Painted when the network has changed.
function facesOf(model, layer) {
  if (!hasFace(model, layer)) return null;
  let painted = null, count = 0;
  return (state, tiles) => {
    if (painted === state.version && count === tiles.length) return;
    [painted, count] = [state.version, tiles.length];
    if (model.input.kind === "image") {
      const units = model.sizes[1], w = state.network.weights[0];
      const weightsOf = (j) => Float64Array.from({ length: model.sizes[0] }, (_, i) => w[i * units + j]);
      tiles.forEach(({ canvas }, j) => paintSigned(canvas, weightsOf(j)));
      return;
    }
    const passes = gridOf(state.network, planeOf(model), TILE);
    tiles.forEach(({ canvas }, j) => paintSigned(canvas, passes.map(({ z }) => z[layer][j])));
  };
}

function outputColumn(store, text) {
  const { model } = store.state, layer = model.sizes.length - 2, count = model.sizes.at(-1);
  const shown = Math.min(count, 30);
  const items = Array.from({ length: shown }, (_, k) => {
    const value = el("span", { class: "value" }), level = el("span", { class: "fill" });
    const button = el(
      "button", { type: "button", class: "output", onclick: () => store.change({ selected: { layer, unit: k } }) },
      el("span", { class: "name" }, outputName(model, k)),
      el("span", { class: "track" }, level), value,
    );
    return { button, value, level };
  });
  const probable = isProbability(model);
  store.follow((state) => {
    const y = state.pass?.y, scale = y ? largestSize(y) : 0;
    const best = y && model.loss.name === "cross_entropy" ? largest(y, 1)[0] : -1;
    items.forEach(({ button, value, level }, k) => {
      value.textContent = y ? (probable ? percent(y[k]) : plain(y[k])) : "";
      level.style.transform = `scaleX(${y ? (probable ? y[k] : scale && Math.abs(y[k]) / scale) : 0})`;
      level.classList.toggle("negative", Boolean(y && y[k] < 0));
      button.classList.toggle("best", k === best);
      button.setAttribute("aria-pressed", state.selected?.layer === layer && state.selected.unit === k);
    });
  });
  return column(
    "outputs", text.outputLayer, text.outputCount(grouped(count), model.loss.name),
    el("div", { class: probable ? "list" : "list values" }, items.map(({ button }) => button)),
    shown < count ? el("p", {}, "…") : null,
  );
}
