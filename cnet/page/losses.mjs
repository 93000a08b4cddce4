// The losses, by cnet's names. `s` are the scores of the last layer, `t` the targets (one-hot for classes);
// output(s): what predict returns. value(s, t, parameter): the loss of one sample, summed over its outputs.
// delta(s, t, parameter): its derivatives with respect to the scores.

import { sigmoid } from "./activations.mjs";

export function softmax(s) {
  const largest = Math.max(...s);
  const e = Array.from(s, (each) => Math.exp(each - largest));
  const total = e.reduce((sum, each) => sum + each, 0);
  return e.map((each) => each / total);
}

function sum(s, of) {
  let total = 0;
  for (let k = 0; k < s.length; k++) total += of(s[k], k);
  return total;
}

function crossEntropy(s, t) {
  const largest = Math.max(...s);
  return Math.log(sum(s, (each) => Math.exp(each - largest))) + largest - sum(s, (each, k) => (t[k] ? t[k] * each : 0));
}

function huberOf(r, delta) {
  return Math.abs(r) <= delta ? (r * r) / 2 : delta * (Math.abs(r) - delta / 2);
}

const same = (s) => Array.from(s);
// A loss whose derivative is a function of each score and its target.
const each = (of) => (s, t, parameter) => Array.from(s, (score, k) => of(score, t[k], parameter));

export const LOSSES = {
  cross_entropy: {
    output: softmax, value: crossEntropy,
    delta: (s, t) => softmax(s).map((p, k) => p - t[k]),
    formula: "−log p(label)",
  },
  binary_cross_entropy: {
    output: (s) => Array.from(s, sigmoid),
    value: (s, t) => sum(s, (a, k) => Math.max(a, 0) - a * t[k] + Math.log1p(Math.exp(-Math.abs(a)))),
    delta: each((s, t) => sigmoid(s) - t),
    formula: "−t log p − (1 − t) log(1 − p)",
  },
  squared_error: {
    output: same, value: (s, t) => sum(s, (a, k) => (a - t[k]) ** 2 / 2), delta: each((s, t) => s - t),
    formula: "(s − t)² / 2",
  },
  absolute_error: {
    output: same, value: (s, t) => sum(s, (a, k) => Math.abs(a - t[k])), delta: each((s, t) => Math.sign(s - t)),
    formula: "|s − t|",
  },
  huber: {
    output: same, value: (s, t, delta) => sum(s, (a, k) => huberOf(a - t[k], delta)),
    delta: each((s, t, delta) => Math.max(-delta, Math.min(delta, s - t))),
    formula: "(s − t)² / 2, |s − t| ≤ δ",
  },
  poisson: {
    output: (s) => Array.from(s, Math.exp),
    value: (s, t) => sum(s, (a, k) => Math.exp(a) - t[k] * a + (t[k] > 0 ? t[k] * Math.log(t[k]) : 0) - t[k]),
    delta: each((s, t) => Math.exp(s) - t),
    formula: "eˢ − t s + t log t − t",
  },
  quantile: {
    output: same, value: (s, t, q) => sum(s, (a, k) => Math.max(q * (t[k] - a), (q - 1) * (t[k] - a))),
    delta: each((s, t, q) => (t > s ? -q : t < s ? 1 - q : 0)),
    formula: "max(q (t − s), (q − 1)(t − s))",
  },
};
