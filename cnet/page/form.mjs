// Inputs that are numbers: a slider and a field for each, and for two of them the plane to click into.

import { el } from "./dom.mjs";
import { inputName } from "./names.mjs";
import { plain } from "./numbers.mjs";

// So many inputs have a field from the beginning, the others on demand.
const MOST_FIELDS = 24;

// chosen(x): called with all inputs when one has changed.
export function formView(store, text, chosen) {
  const { model } = store.state, { low, high } = model.input;
  const fields = low.map((from, i) => {
    const step = (high[i] - from) / 200 || 0.01, name = inputName(model, text, i);
    const set = (value) => {
      if (!Number.isFinite(value)) return;
      const x = Array.from(store.state.input.x);
      x[i] = value;
      chosen(x);
    };
    const attributes = { min: from, max: high[i], step: "any", "aria-label": name };
    const slider = el("input", {
      type: "range", ...attributes, step, oninput: (event) => set(event.target.valueAsNumber),
    });
    const number = el("input", {
      type: "number", step: "any", "aria-label": name, oninput: (event) => set(event.target.valueAsNumber),
    });
    return { row: el("div", { class: "input" }, el("span", {}, name), slider, number), slider, number };
  });
  const rest = fields.slice(MOST_FIELDS).map(({ row }) => row);
  store.follow(({ input }) => {
    fields.forEach(({ slider, number }, i) => {
      slider.value = input.x[i];
      if (document.activeElement !== number) number.value = +input.x[i].toPrecision(4);
      slider.setAttribute("aria-valuetext", plain(input.x[i], 3));
    });
  });
  return el(
    "div", { class: "form", role: "group", "aria-label": text.inputs },
    fields.slice(0, MOST_FIELDS).map(({ row }) => row),
    rest.length ? el("details", {}, el("summary", {}, text.moreInputs(rest.length)), rest) : null,
  );
}
