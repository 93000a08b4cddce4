// The test samples that the network reads wrong, most confident mistakes first. Each can be looked into.

import { paintInk } from "./colors.mjs";
import { el, pixelCanvas, section } from "./dom.mjs";
import { className, classesOf } from "./names.mjs";
import { forward } from "./network.mjs";
import { grouped, percent, plain } from "./numbers.mjs";

// chosen(sample): called when one is clicked.
export function galleryView(store, text, chosen) {
  const { model, misread, original } = store.state;
  const { n, wrong } = model.accuracy;
  const lead = text.galleryLead(grouped(n), grouped(wrong), percent(1 - wrong / n), misread.length);
  const items = misread.map((sample, m) => {
    const [best] = classesOf(model, forward(original, sample.x).y);
    const words = text.misread(className(model, sample.label), className(model, best.k), percent(best.p));
    const button = el(
      "button", { type: "button", class: "specimen", "aria-label": words, title: words, onclick: () => chosen(sample) },
      specimenPicture(model, sample),
      el("span", { class: "caption", "aria-hidden": "true" },
        className(model, sample.label), " → ", el("b", {}, className(model, best.k))),
    );
    store.follow(({ input }) => button.setAttribute("aria-pressed", input.sample === misread[m]));
    return el("li", {}, button);
  });
  return section("gallery", text.galleryTitle, lead, misread.length ? el("ul", { class: "specimens" }, items) : null);
}

function specimenPicture(model, sample) {
  if (model.input.kind !== "image") return el("span", {}, Array.from(sample.x.slice(0, 4), (x) => plain(x)).join(", "));
  const canvas = pixelCanvas(model.input.width, model.input.height);
  paintInk(canvas, sample.image, 255);
  return canvas;
}
