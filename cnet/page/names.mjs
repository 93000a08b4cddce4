// What units, inputs and classes are called.

export function className(model, k) {
  return model.classNames?.[k] ?? String(k);
}

// An output's: a single sigmoid is the probability of the second of two classes.
export function outputName(model, k) {
  return className(model, model.loss.name === "binary_cross_entropy" && model.sizes.at(-1) === 1 ? 1 : k);
}

export function isProbability(model) {
  return ["cross_entropy", "binary_cross_entropy"].includes(model.loss.name);
}

export function isOutput(model, layer) {
  return layer === model.sizes.length - 2;
}

export function inputName(model, text, i) {
  if (model.input.kind === "image") {
    return text.pixel(Math.floor(i / model.input.width) + 1, (i % model.input.width) + 1);
  }
  return model.input.names?.[i] ?? `x${i + 1}`;
}

// A unit of layer `layer` (0 is the first hidden one).
export function unitName(model, text, layer, unit) {
  if (isOutput(model, layer)) return text.outputUnit(outputName(model, unit));
  return model.sizes.length === 3 ? text.hiddenUnit(unit + 1) : text.unitOfLayer(layer + 1, unit + 1);
}

// The prediction as classes and probabilities, most likely first; null where the network does not choose a class.
// A single sigmoid has two classes.
export function classesOf(model, y) {
  if (!isProbability(model)) return null;
  const all = y.length === 1 ? [1 - y[0], y[0]] : Array.from(y);
  return all.map((p, k) => ({ k, p })).sort((one, other) => other.p - one.p);
}
