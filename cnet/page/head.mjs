// The head of the page: what network this is, and the choice of language and theme.

import { el } from "./dom.mjs";
import { grouped } from "./numbers.mjs";
import { LANGUAGES } from "./text.mjs";

// chosen({language} or {theme}): called with what a button asks for.
export function headView({ model, language, theme }, text, chosen) {
  const layers = model.sizes.join("-"), activation = [...new Set(model.activations)].join(", ");
  const parameters = model.sizes.slice(1).reduce((sum, units, l) => sum + units * (model.sizes[l] + 1), 0);
  const languages = Object.keys(LANGUAGES).map((each) => el("button", {
    type: "button", lang: LANGUAGES[each].code, "aria-pressed": each === language,
    onclick: () => chosen({ language: each }),
  }, LANGUAGES[each].language));
  const other = theme === "dark" ? "light" : "dark";
  return el(
    "header", {},
    el("div", {}, el("h1", {}, model.title),
      el("p", {}, `${model.title === layers ? activation : text.subtitle(layers, activation)} · `
        + text.facts(grouped(parameters), model.iterations && grouped(model.iterations)))),
    el("div", { class: "settings" },
      el("div", { class: "row", role: "group", "aria-label": text.switchLanguage }, languages),
      el("button", { type: "button", onclick: () => chosen({ theme: other }) }, text[other])),
  );
}
