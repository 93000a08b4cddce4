// Train the network here: a step, an epoch or on and on, and see the loss fall and the weights move.

import { largestSize, paintInk, paintSigned } from "./colors.mjs";
import { checkView } from "./check.mjs";
import { curveView } from "./curve.mjs";
import { el, pixelCanvas, section } from "./dom.mjs";
import { className } from "./names.mjs";
import { copyOf } from "./network.mjs";
import { grouped, percent, plain } from "./numbers.mjs";
import { accuracy, makeTraining, randomNumbers, startAfresh } from "./training.mjs";

// Samples of the last mini-batch that are shown, and units whose weights are.
const BATCH_SHOWN = 12, UNITS_SHOWN = 20;
// The spread of an image's first weights. Most pixels are empty, so that a first layer can do with less, and then
// what is learned is soon larger than what was random.
const SMALL = 0.01;
// Milliseconds that a frame may spend on steps.
const FRAME = 12;

export function trainerView(store, text) {
  const { model, train, original } = store.state;
  let training = null, running = 0;
  const curve = curveView(text);
  const rateWords = (value) => plain(value, value < 0.01 ? 4 : 3);
  const rate = slider(text.rate, -3, 0.5, 0.05, -1, (value) => 10 ** value, rateWords);
  const size = slider(text.batch, 0, Math.log2(train.length), 0.25, Math.min(5, Math.log2(train.length)),
    (value) => Math.max(1, Math.round(2 ** value)), String);
  const status = el("p", { class: "outcome", role: "status" }), figures = el("dl", { class: "figures" });
  const pictured = model.input.kind === "image" && model.sizes.length > 2;
  const moving = pictured ? weightStrip(store, text) : null, batch = batchStrip(store, text);

  // The network that is trained is a copy; the page shows it from its first step on.
  const begin = () => {
    training ??= makeTraining(copyOf(original), train);
    return training;
  };
  const show = (network, trained) => store.change({ network, version: store.state.version + 1, trained, training });
  const shown = (whole) => {
    curve.show(training.losses);
    batch.show(training.batch);
    show(training.network, training.iterations);
    if (whole) tell();
  };
  const tell = () => {
    status.textContent = training?.failed ? text.diverged : "";
    const { network, test } = store.state;
    const rows = [[text.stepsDone, grouped(training?.iterations ?? 0)]];
    if (training?.losses.length) rows.push([text.lastLoss, plain(training.losses.at(-1), 3)]);
    if (train[0].label !== undefined) {
      rows.push([text.onThese(train.length), percent(accuracy(network, train))]);
      if (test?.length) rows.push([text.onOthers(test.length), percent(accuracy(network, test))]);
    }
    figures.replaceChildren(...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  };
  const stepOnce = () => !training.failed && (training.next(rate.value(), size.value()), !training.failed);
  const steps = (count) => {
    stop();
    begin();
    for (let n = 0; n < count && stepOnce(); n++);
    shown(true);
  };
  const stop = () => {
    cancelAnimationFrame(running);
    running = 0;
    run.textContent = text.run;
    run.setAttribute("aria-pressed", "false");
  };
  const frame = () => {
    const until = performance.now() + FRAME;
    do if (!stepOnce()) break;
    while (performance.now() < until);
    running = training.failed ? 0 : requestAnimationFrame(frame);
    shown(training.failed || training.iterations % 10 === 0);
    if (!running) stop();
  };
  const restart = (network) => {
    stop();
    training = network ? makeTraining(network, train) : null;
    curve.show([]);
    batch.show([]);
    show(network ?? original, network ? 0 : null);
    tell();
  };
  const button = (words, action, kind = "") => el("button", { type: "button", class: kind, onclick: action }, words);
  const run = button(text.run, () => {
    if (running) return stop(), tell();
    begin();
    running = requestAnimationFrame(frame);
    run.textContent = text.pause;
    run.setAttribute("aria-pressed", "true");
  });
  const afresh = button(text.afresh, () => {
    const network = copyOf(original);
    startAfresh(network, randomNumbers(Date.now()), model.input.kind === "image" ? SMALL : null);
    restart(network);
  });
  const back = button(text.backToOriginal, () => restart(null));
  store.follow(({ trained }) => (back.disabled = trained === null));
  store.change({ stopTraining: stop });
  // The page was built anew, in another language or theme: the training goes on where it was.
  if (store.state.training) training = store.state.training;
  if (training) curve.show(training.losses), batch.show(training.batch);
  tell();
  return section(
    "train", text.trainTitle, text.trainLead(train.length), el("p", { class: "task" }, text.trainTask(pictured)),
    el("div", { class: "row" }, afresh, back),
    el("div", { class: "row" }, button(text.oneStep, () => steps(1), "main"),
      button(text.oneEpoch, () => steps(begin().perEpoch(size.value()))), run),
    el("div", { class: "sliders" }, rate.view, size.view), status,
    el("div", { class: "training" }, el("div", {}, curve.view, figures), el("div", {}, batch.view, moving)),
    checkView(store, text, begin, () => size.value()),
  );
}

// A slider whose positions stand for other values, as a logarithm does.
function slider(name, min, max, step, position, valueOf, words) {
  const output = el("output");
  const input = el("input", { type: "range", min, max, step, "aria-label": name, value: position });
  const show = () => {
    output.textContent = words(valueOf(input.valueAsNumber));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", show);
  show();
  const view = el("label", { class: "slider" }, el("span", {}, name), input, output);
  return { view, value: () => valueOf(input.valueAsNumber) };
}

function weightStrip(store, text) {
  const { model } = store.state, units = model.sizes[1], shown = Math.min(units, UNITS_SHOWN);
  const canvases = Array.from({ length: shown }, () => pixelCanvas(model.input.width, model.input.height));
  const columns = canvases.map(() => new Float64Array(model.sizes[0]));
  store.follow(({ network }) => {
    const w = network.weights[0];
    columns.forEach((column, j) => {
      for (let i = 0; i < column.length; i++) column[i] = w[i * units + j];
    });
    canvases.forEach((canvas, j) => paintSigned(canvas, columns[j], largestSize(columns[j])));
  });
  return el("figure", {}, el("figcaption", {}, text.weightsOf(shown)), el("div", { class: "strip" }, canvases));
}

function batchStrip(store, text) {
  const { model } = store.state;
  const strip = el("div", { class: "strip" });
  const view = el("figure", { hidden: true }, el("figcaption", {}, text.lastBatch), strip);
  const show = (batch) => {
    view.hidden = model.input.kind !== "image" || !batch.length;
    if (view.hidden) return;
    strip.replaceChildren(...batch.slice(0, BATCH_SHOWN).map((sample) => {
      const name = sample.label === undefined ? "" : className(model, sample.label);
      const canvas = pixelCanvas(model.input.width, model.input.height, name);
      paintInk(canvas, sample.image, 255);
      return canvas;
    }));
  };
  return { view, show };
}
