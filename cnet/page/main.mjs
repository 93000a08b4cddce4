// The page: reads its contents, puts the views together, and keeps what they show in step with the input.

import { barsView, spoken } from "./bars.mjs";
import { readPalette } from "./colors.mjs";
import { arrayOf } from "./decode.mjs";
import { el, section } from "./dom.mjs";
import { makeDrawing } from "./drawing.mjs";
import { formView } from "./form.mjs";
import { galleryView } from "./gallery.mjs";
import { readHash, writeHash } from "./hash.mjs";
import { headView } from "./head.mjs";
import { classesOf } from "./names.mjs";
import { forward, largestOf, makeNetwork } from "./network.mjs";
import { neuronView } from "./neuron.mjs";
import { grouped } from "./numbers.mjs";
import { overviewView } from "./overview.mjs";
import { padView, seenView } from "./pad.mjs";
import { inputsOfImage, samplesOf } from "./samples.mjs";
import { makeStore } from "./store.mjs";
import { surfaceView } from "./surface.mjs";
import { LANGUAGES, chooseLanguage } from "./text.mjs";
import { trainerView } from "./trainer.mjs";
import { whyNotView } from "./whynot.mjs";

async function start() {
  const model = JSON.parse(document.getElementById("cnet-contents").textContent);
  const original = makeNetwork(model, await arrayOf(model.parameters));
  const parts = ["train", "test", "misread"].map((part) => samplesOf(model, model[part]));
  const [train, test, misread] = await Promise.all(parts);
  const asked = readHash(location.hash);
  const store = makeStore({
    model, original, network: original, train, test, misread, version: 0, trained: null, training: null,
    pass: null, input: null, selected: null, rival: null,
    language: chooseLanguage(asked.language, navigator.languages ?? []), theme: themeOf(asked.theme),
    // What was asked for by the address or by a button, and not by the browser, stays in the address.
    chosen: { language: Object.hasOwn(LANGUAGES, asked.language ?? "") ? asked.language : null, theme: asked.theme },
  });
  const inputs = makeInputs(store);
  inputs.first(asked);
  const build = () => buildPage(store, inputs, build);
  build();
  // Another drawing, language or theme by the address, as a page around this one may ask for.
  window.addEventListener("hashchange", () => {
    const { strokes, numbers, language, theme } = readHash(location.hash);
    if (location.hash === writeHash(inputs.address())) return;
    if (Object.hasOwn(LANGUAGES, language ?? "")) store.state.language = store.state.chosen.language = language;
    if (theme) store.state.theme = store.state.chosen.theme = theme;
    if (strokes || numbers) inputs.first({ strokes, numbers });
    build();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (store.state.chosen.theme) return;
    store.state.theme = themeOf(null);
    build();
  });
  // For the browser's console: cnetPage.predict([...]) is what the page computes of inputs.
  globalThis.cnetPage = { model, store, predict: (x) => Array.from(forward(store.state.network, x).y), inputs };
}

function themeOf(asked) {
  if (asked === "dark" || asked === "light") return asked;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// All ways in which the page comes by an input: a drawing, a sample, numbers, an address.
function makeInputs(store) {
  const { state } = store, { model } = state, isImage = model.input.kind === "image";
  let examples = 0;
  const passOf = (input) => (input.x ? forward(state.network, input.x) : null);
  const take = (input) => {
    const begun = performance.now();
    store.change({ input, pass: passOf(input), milliseconds: null });
    state.milliseconds = performance.now() - begun;
    if (input.whole !== false) inputs.keepAddress();
  };
  const drawing = makeDrawing((input) => take({ ...input, x: input.image && inputsOfImage(model, input.image) }));
  const inputs = {
    drawing,
    numbers: (x) => take({ kind: "numbers", x: Float64Array.from(x), image: null }),
    sample(sample) {
      drawing.forget();
      take({ kind: "sample", sample, x: sample.x, image: sample.image, label: sample.label });
    },
    // A test sample, of those that are read right, in turn; else the middle of what inputs take.
    example() {
      const known = (state.test ?? state.train ?? []).filter((sample) => isRight(state, sample));
      if (known.length) inputs.sample(known[examples++ % known.length]);
      else if (isImage) drawing.clear();
      else inputs.numbers(model.input.start);
    },
    first({ strokes, numbers }) {
      if (isImage && strokes) drawing.set(strokes);
      else if (!isImage && numbers?.length === model.sizes[0]) inputs.numbers(numbers);
      else inputs.example();
      state.selected ??= firstChoice(state);
    },
    address() {
      const { input, chosen } = state;
      return {
        ...chosen, strokes: input?.kind === "drawing" ? drawing.strokes : null,
        numbers: isImage || !input || model.sizes[0] > 50 ? null : Array.from(input.x),
      };
    },
    // Of a page within another one only the inner address changes.
    keepAddress() {
      history.replaceState(null, "", writeHash(inputs.address()) || location.pathname + location.search);
    },
  };
  // The network was trained a little: the same input, another answer.
  let version = 0;
  inputs.refresh = () => {
    if (version === state.version) return;
    version = state.version;
    state.pass = passOf(state.input);
  };
  return inputs;
}

// The unit to begin with: the hidden one that says most for the answer, or where there is none the answer itself.
function firstChoice({ model, network, pass }) {
  const last = model.sizes.length - 2, best = pass ? largestOf(pass.scores) : 0;
  if (last === 0 || !pass) return { layer: last ? 0 : last, unit: last ? 0 : best };
  const z = pass.z[last - 1], outputs = model.sizes.at(-1);
  return { layer: last - 1, unit: largestOf(z.map((each, j) => each * network.weights[last][j * outputs + best])) };
}

function isRight(state, { x, label }) {
  return label === undefined || classesOf(state.model, forward(state.original, x).y)[0].k === label;
}

function buildPage(store, inputs, build) {
  const { state } = store, { model } = state, text = LANGUAGES[state.language];
  state.stopTraining?.();
  store.forgetViews();
  document.documentElement.lang = text.code;
  document.documentElement.dataset.theme = state.theme;
  readPalette();
  store.followAtOnce(inputs.refresh);
  const live = el("p", { class: "unseen", "aria-live": "polite" });
  say(store, text, live);
  const isImage = model.input.kind === "image";
  const classifies = model.loss.name === "cross_entropy" && model.sizes.at(-1) > 1;
  const wanted = (changes) => {
    Object.assign(state, changes);
    Object.assign(state.chosen, changes);
    inputs.keepAddress();
    build();
  };
  const page = [
    headView(state, text, wanted),
    el("main", {},
      tryIt(store, text, inputs, isImage), inside(store, text),
      isImage && classifies ? whyNotView(store, text) : null,
      state.misread ? galleryView(store, text, (sample) => {
        inputs.sample(sample);
        document.getElementById("try").scrollIntoView();
      }) : null,
      state.train ? trainerView(store, text) : null),
    el("footer", {}, text.footer(model.version)), live,
  ];
  document.getElementById("page").replaceChildren(...page);
}

function tryIt(store, text, inputs, isImage) {
  const { model } = store.state;
  const caption = el("figcaption", {}, text.barsCaption(isImage ? 3 : 2));
  const bars = el("figure", { class: "answers" }, caption, barsView(store, text));
  const parts = isImage
    ? [padView(store, text, inputs.drawing), seenView(store, text), bars]
    : [
      el("figure", { class: "inputs" }, el("figcaption", {}, text.inputsCaption),
        formView(store, text, inputs.numbers)),
      model.sizes[0] === 2 ? surfaceView(store, text, inputs.numbers) : null, bars,
    ];
  const copy = el("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      copy.textContent = text.copied;
    } catch {
      // Without a clipboard, or without leave to write to it.
      window.prompt(text.copyLink, location.href);
    }
  } }, text.copyLink);
  const example = el("button", { type: "button", onclick: inputs.example }, text.example);
  const notice = el("p", { class: "notice" });
  store.follow(({ trained }) => {
    notice.hidden = trained === null;
    notice.textContent = trained === null ? "" : text.trainedHere(grouped(trained));
  });
  return section(
    "try", text.tryTitle, text.intro(isImage), isImage ? el("p", { class: "task" }, text.tryTask) : null, notice,
    el("div", { class: "try" }, parts),
    el("div", { class: "row" }, store.state.test || store.state.train ? example : null, copy),
  );
}

function inside(store, text) {
  return section(
    "inside", text.insideTitle, text.insideLead, el("p", { class: "task" }, text.insideTask),
    el("div", { class: "inside" }, overviewView(store, text), neuronView(store, text)),
  );
}

// Says the answer once the input has been still for a while.
function say(store, text, live) {
  let timer = 0;
  store.follow((state) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const words = spoken(state, text);
      if (words !== live.textContent && !state.training) live.textContent = words;
    }, 600);
  });
}

start().catch((error) => {
  const text = LANGUAGES[chooseLanguage(null, navigator.languages ?? [])];
  document.getElementById("page").replaceChildren(el("p", { role: "alert" }, `${text.failed} ${error.message}`));
  throw error;
});
