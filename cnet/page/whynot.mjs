// "Why not a 3?": the picture, and on it where more ink or less would speak for another class.

import { paintInk, paintOverlay, paintSigned } from "./colors.mjs";
import { el, pixelCanvas, section } from "./dom.mjs";
import { className } from "./names.mjs";
import { forward, largestOf } from "./network.mjs";
import { nudged, runnerUp, towards } from "./nudge.mjs";
import { percent, plain } from "./numbers.mjs";

export function whyNotView(store, text) {
  const { model } = store.state, { width, height, scale } = model.input, full = 255 * scale;
  const classes = Array.from({ length: model.sizes.at(-1) }, (_, k) => k);
  const overlay = pixelCanvas(width, height, text.overlayLabel);
  const changed = pixelCanvas(width, height, text.changedLabel), change = pixelCanvas(width, height, text.changeLabel);
  const outcome = el("p", { class: "outcome", role: "status" });
  const after = el(
    "div", { class: "after", hidden: true },
    el("figure", {}, el("div", { class: "frame" }, change), el("figcaption", {}, text.changeLabel)),
    el("figure", {}, el("div", { class: "frame" }, changed), el("figcaption", {}, text.changedLabel)),
  );
  const choices = classes.map((k) => el("button", {
    type: "button", class: "choice", onclick: () => store.change({ rival: k }),
  }, className(model, k)));
  const question = el("p", { class: "question", "aria-live": "polite" });
  const button = el("button", { type: "button", class: "main", onclick: () => flip() }, text.nudge);

  // The class that was asked for, or the second most likely one.
  const rivalOf = ({ pass: { scores }, rival }) => (
    rival === null || rival === largestOf(scores) ? runnerUp(scores) : rival);
  const flip = () => {
    const { network, pass } = store.state, rival = rivalOf(store.state), x = pass.x;
    const found = nudged(network, x, rival, full);
    paintInk(changed, found.x, full);
    paintSigned(change, found.x.map((each, i) => each - x[i]));
    after.hidden = false;
    const y = forward(network, found.x).y;
    const ink = Math.sqrt(x.reduce((sum, each) => sum + (each / full) ** 2, 0));
    outcome.textContent = (found.reached ? text.nudged : text.notNudged)(
      className(model, rival), percent(y[rival]), plain((100 * found.size) / ink, 0),
    );
  };
  let shown = null;
  store.follow((state) => {
    const { pass, network } = state;
    button.disabled = !pass;
    const best = pass ? largestOf(pass.scores) : -1, rival = pass ? rivalOf(state) : -1;
    choices.forEach((choice, k) => {
      choice.disabled = !pass || k === best;
      choice.setAttribute("aria-pressed", k === rival);
    });
    const key = `${state.version} ${rival}`;
    if (shown?.pass !== pass || shown.key !== key) {
      after.hidden = true;
      outcome.textContent = "";
    }
    shown = { pass, key };
    if (!pass) {
      question.textContent = text.drawFirst;
      paintInk(overlay, new Float64Array(width * height));
      return;
    }
    question.textContent = text.whyNot(className(model, best), className(model, rival));
    const ink = Float64Array.from(state.input.image, (each) => each / 255);
    paintOverlay(overlay, ink, towards(network, pass, best, rival));
  });
  return section(
    "why-not", text.whyNotTitle, text.whyNotLead,
    el("div", { class: "why" },
      el("figure", {}, el("div", { class: "frame" }, overlay), el("figcaption", {}, text.overlayNote)),
      el("div", {}, question,
        el("div", { class: "row choices", role: "group", "aria-label": text.otherClasses }, choices),
        button, after, outcome)),
  );
}
