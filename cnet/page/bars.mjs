// The prediction as bars: a probability for each class, or a value for each output.

import { classColor } from "./colors.mjs";
import { el } from "./dom.mjs";
import { className, classesOf, isProbability } from "./names.mjs";
import { percent, plain } from "./numbers.mjs";

// So many classes are shown all; of more, the most likely ones.
const MOST_BARS = 16;

export function barsView(store, text) {
  const { model } = store.state;
  const probable = isProbability(model);
  const count = probable && model.sizes.at(-1) === 1 ? 2 : model.sizes.at(-1);
  const rows = Array.from({ length: Math.min(count, MOST_BARS) }, () => {
    const [fill, name, value] = ["fill", "name", "value"].map((kind) => el("span", { class: kind }));
    return { item: el("li", {}, name, el("span", { class: "track" }, fill), value), fill, name, value };
  });
  // Labels that may go together have no best one.
  const chooses = model.loss.name === "cross_entropy" || model.sizes.at(-1) === 1;
  const answer = el("p", { class: "answer" });
  const view = el(
    "div", { class: probable ? "bars" : "bars values" }, answer,
    el("ol", { "aria-label": text.prediction }, rows.map((row) => row.item)),
  );
  // What values are shown against: as far as any has gone.
  let reach = 1e-9;

  store.followAtOnce((state) => {
    const { pass } = state;
    view.classList.toggle("idle", !pass);
    const y = pass ? pass.y : new Array(model.sizes.at(-1)).fill(0);
    const shares = y.length === 1 && probable ? [pass ? 1 - y[0] : 0, y[0]] : y;
    const ranked = pass && classesOf(model, y);
    const shown = count > MOST_BARS && ranked ? ranked.slice(0, MOST_BARS).map(({ k }) => k) : rows.map((_, k) => k);
    for (const each of shares) reach = Math.max(reach, Math.abs(each));
    rows.forEach(({ item, fill, name, value }, n) => {
      const k = shown[n], share = shares[k];
      // Their colours on the plane of two inputs.
      const swatch = model.sizes[0] === 2 && chooses && probable ? el("span", {
        class: "swatch", style: { "background-color": `rgb(${classColor(k).join(" ")})` },
      }) : "";
      name.replaceChildren(swatch, className(model, k));
      item.classList.toggle("best", chooses && ranked?.[0].k === k);
      fill.style.transform = `scaleX(${probable ? share : Math.abs(share) / reach})`;
      fill.classList.toggle("negative", share < 0);
      value.textContent = pass ? (probable ? percent(share) : plain(share, 3)) : "";
    });
    answer.replaceChildren(...answerOf(state, text, chooses && ranked));
  });
  return view;
}

function answerOf({ model, input }, text, ranked) {
  if (!ranked) return [];
  const [best] = ranked;
  const word = el("strong", {}, className(model, best.k));
  if (input.label === undefined) return [text.reads, " ", word];
  const right = input.label === best.k;
  const verdict = right ? text.isRight : text.isWrong(className(model, input.label));
  return [text.reads, " ", word, el("span", { class: right ? "right" : "wrong" }, verdict)];
}

// One sentence for those who do not see the bars.
export function spoken({ model, pass }, text) {
  if (!pass) return "";
  const ranked = classesOf(model, pass.y);
  if (!ranked) return Array.from(pass.y, (y, k) => `${className(model, k)}: ${plain(y, 3)}`).join("; ");
  const [best, next] = ranked;
  return text.spoken(className(model, best.k), percent(best.p), className(model, next.k), percent(next.p));
}
