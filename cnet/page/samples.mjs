// The samples in the page, as objects: {x: inputs, t: targets of the outputs, label: class number, image: pixels}.

import { arrayOf } from "./decode.mjs";

export async function samplesOf(model, part) {
  if (!part) return null;
  const [inputs, targets] = await Promise.all([arrayOf(part.x), arrayOf(part.t)]);
  const width = model.sizes[0], outputs = model.sizes.at(-1);
  return Array.from({ length: part.n }, (_, n) => {
    const row = inputs.subarray(n * width, (n + 1) * width);
    const sample = model.input.kind === "image"
      ? { image: row, x: inputsOfImage(model, row) } : { image: null, x: Float64Array.from(row) };
    if (part.labels) {
      sample.label = targets[n];
      sample.t = Float64Array.from({ length: outputs }, (_, k) => (k === targets[n] ? 1 : 0));
    } else {
      sample.t = Float64Array.from(targets.subarray(n * outputs, (n + 1) * outputs));
      sample.label = labelOf(model, sample.t);
    }
    return sample;
  });
}

// The class that targets stand for, where they stand for one.
function labelOf({ loss }, t) {
  if (loss.name === "cross_entropy") return t.indexOf(Math.max(...t));
  return loss.name === "binary_cross_entropy" && t.length === 1 ? Number(t[0] > 0.5) : undefined;
}

// Pixels from 0 to 255 as the network was trained on them.
export function inputsOfImage(model, image) {
  return Float64Array.from(image, (pixel) => pixel * model.input.scale);
}
