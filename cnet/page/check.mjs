// A gradient check with its numbers: one weight's derivative by backpropagation, and by moving the weight a little.

import { el } from "./dom.mjs";
import { inputName, unitName } from "./names.mjs";
import { gradient } from "./network.mjs";
import { plain } from "./numbers.mjs";
import { checkWeight } from "./training.mjs";

// begin(): the training, which is made if there is none; batchSize(): of a batch, if none has been drawn.
export function checkView(store, text, begin, batchSize) {
  const { model } = store.state;
  const table = el("div", { class: "check", role: "status", hidden: true });
  const another = () => {
    const training = begin(), samples = training.batch.length ? training.batch : training.draw(batchSize());
    const layer = Math.floor(training.random() * training.network.weights.length);
    const index = moved(gradient(training.network, samples).weights[layer], training.random);
    const units = model.sizes[layer + 1], from = Math.floor(index / units), to = index % units;
    const found = checkWeight(training.network, samples, layer, index);
    const source = layer === 0 ? inputName(model, text, from) : unitName(model, text, layer - 1, from);
    table.hidden = false;
    const which = text.checked(source, unitName(model, text, layer, to));
    table.replaceChildren(...rowsOf(found, text, which, samples.length));
  };
  return el(
    "div", { class: "gradient-check" }, el("h3", {}, text.checkTitle), el("p", {}, text.checkLead),
    el("button", { type: "button", onclick: another }, text.checkOne), table,
  );
}

// A weight whose derivative is not near 0: most pixels at the border are always empty, and their weights never move.
function moved(derivatives, random) {
  let most = 0;
  for (const each of derivatives) most = Math.max(most, Math.abs(each));
  const enough = [];
  derivatives.forEach((each, n) => Math.abs(each) > 0.2 * most && enough.push(n));
  return enough.length ? enough[Math.floor(random() * enough.length)] : 0;
}

function rowsOf(found, text, which, count) {
  const { value, h, above, below, numerical, backprop, difference } = found;
  const line = (name, ...content) => el("div", {}, el("dt", {}, name), el("dd", {}, ...content));
  return [
    el("p", {}, which),
    el("dl", {},
      line("w", plain(value, 6)),
      line("L(w + h)", plain(above, 10)),
      line("L(w − h)", plain(below, 10)),
      line("(L(w + h) − L(w − h)) / 2h", el("b", {}, plain(numerical, 8))),
      line(text.byBackprop, el("b", {}, plain(backprop, 8))),
      line(text.difference, difference.toExponential(1).replace("-", "−"))),
    el("p", { class: "note" }, text.checkNote(h, count)),
  ];
}
