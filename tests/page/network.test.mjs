import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIVATIONS } from "../../cnet/page/activations.mjs";
import { LOSSES } from "../../cnet/page/losses.mjs";
import { forward, gradient, inputGradient, makeNetwork, objective, step } from "../../cnet/page/network.mjs";
import { nudged } from "../../cnet/page/nudge.mjs";
import { checkWeight, makeTraining, randomNumbers, shuffled, startAfresh } from "../../cnet/page/training.mjs";

const random = randomNumbers(7);
const numbers = (count) => Float64Array.from({ length: count }, () => 2 * random() - 1);

function make(sizes, activations, loss, parameter = 0, decay = 0) {
  let count = 0;
  for (let l = 1; l < sizes.length; l++) count += sizes[l] * (sizes[l - 1] + 1);
  return makeNetwork({ sizes, activations, loss: { name: loss, parameter }, decay }, numbers(count));
}

const PARAMETERS = { huber: 0.3, quantile: 0.8 };

function targets(loss, outputs, n) {
  if (loss === "cross_entropy") return Float64Array.from({ length: outputs }, (_, k) => Number(k === n % outputs));
  return numbers(outputs).map((each) => (loss === "binary_cross_entropy" ? Number(each > 0) : loss === "poisson" ? Math.abs(each) : each));
}

test("a forward pass by hand", () => {
  const model = { sizes: [2, 2, 2], activations: ["relu"], loss: { name: "cross_entropy", parameter: 0 }, decay: 0 };
  // W1 = [[1, -1], [2, 1]], b1 = [0.5, 0], W2 = [[1, 0], [3, -1]], b2 = [0, 1]
  const network = makeNetwork(model, Float32Array.of(1, -1, 2, 1, 0.5, 0, 1, 0, 3, -1, 0, 1));
  const pass = forward(network, [1, 2]);
  assert.deepEqual([...pass.a[0]], [5.5, 1]);
  assert.deepEqual([...pass.scores], [8.5, 0]);
  assert.ok(Math.abs(pass.y[1] - 1 / (1 + Math.exp(8.5))) < 1e-15);
});

test("parameters that do not fit are refused", () => {
  const model = { sizes: [2, 2], activations: [], loss: { name: "cross_entropy" }, decay: 0 };
  assert.throws(() => makeNetwork(model, new Float32Array(7)), /6 parameters expected, 7 given/);
});

for (const loss of Object.keys(LOSSES)) {
  test(`${loss}: backpropagation against central differences, two hidden layers and a penalty`, () => {
    for (const activation of Object.keys(ACTIVATIONS)) {
      const network = make([3, 4, 3, 2], [activation, "tanh"], loss, PARAMETERS[loss], 0.01);
      const samples = [0, 1, 2].map((n) => ({ x: numbers(3), t: targets(loss, 2, n) }));
      const derivatives = gradient(network, samples);
      for (let l = 0; l < 3; l++) {
        for (const kind of ["weights", "biases"]) {
          const values = network[kind][l], n = values.length - 1, before = values[n], h = 1e-6;
          values[n] = before + h;
          const above = objective(network, samples);
          values[n] = before - h;
          const below = objective(network, samples);
          values[n] = before;
          assert.ok(Math.abs(derivatives[kind][l][n] - (above - below) / (2 * h)) < 1e-7, `${activation} ${kind} ${l}`);
        }
      }
    }
  });
}

test("the derivatives with respect to the input", () => {
  const network = make([3, 4, 4, 2], ["gelu", "sigmoid"], "squared_error"), x = numbers(3), h = 1e-6;
  const top = inputGradient(network, forward(network, x), [1, -2]), inner = inputGradient(network, forward(network, x), [0, 1, 0, 0], 1);
  for (let i = 0; i < 3; i++) {
    const moved = [1, -1].map((sign) => forward(network, x.map((each, n) => each + (n === i ? sign * h : 0))));
    const slope = (of) => (of(moved[0]) - of(moved[1])) / (2 * h);
    assert.ok(Math.abs(top[i] - slope(({ scores }) => scores[0] - 2 * scores[1])) < 1e-8);
    assert.ok(Math.abs(inner[i] - slope(({ a }) => a[1][1])) < 1e-8);
  }
});

test("a step goes down the gradient", () => {
  const network = make([2, 2], [], "squared_error"), samples = [{ x: [1, 0.5], t: [3, -3] }];
  const before = objective(network, samples), derivatives = gradient(network, samples), w = network.weights[0][0];
  step(network, derivatives, 0.1);
  assert.equal(network.weights[0][0], w - 0.1 * derivatives.weights[0][0]);
  assert.ok(objective(network, samples) < before);
});

test("one weight, checked, comes back as it was", () => {
  const network = make([3, 4, 2], ["tanh"], "cross_entropy"), samples = [0, 1].map((n) => ({ x: numbers(3), t: targets("cross_entropy", 2, n) }));
  const before = [...network.weights[0]], found = checkWeight(network, samples, 0, 5);
  assert.ok(found.difference < 1e-8 && Math.abs(found.backprop) > 1e-4);
  assert.deepEqual([...network.weights[0]], before);
});

test("training: every sample once in an epoch, the same steps for the same seed, and a loss that falls", () => {
  const samples = Array.from({ length: 40 }, (_, n) => {
    const x = numbers(2);
    return { x, t: x[0] > x[1] ? [1, 0] : [0, 1], n };
  });
  const begin = () => {
    const network = make([2, 8, 2], ["relu"], "cross_entropy");
    startAfresh(network, randomNumbers(3));
    return makeTraining(network, samples, 5);
  };
  const one = begin(), other = begin(), seen = new Set();
  for (let n = 0; n < one.perEpoch(16); n++) one.draw(16).forEach((sample) => seen.add(sample));
  assert.equal(seen.size, 40);
  const third = begin();
  for (let n = 0; n < 300; n++) assert.equal(other.next(0.5, 16), third.next(0.5, 16));
  const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
  assert.ok(mean(other.losses.slice(-10)) < 0.4 * mean(other.losses.slice(0, 5)));
});

test("a step that would lead nowhere changes nothing", () => {
  const network = make([2, 2], [], "squared_error"), training = makeTraining(network, [{ x: [1, 1], t: [0, 0] }]);
  network.weights[0][0] = Infinity;
  const before = network.biases[0][0];
  training.next(1, 1);
  assert.ok(training.failed && training.iterations === 0 && network.biases[0][0] === before);
});

test("new weights have the spread that their layer's inputs ask for", () => {
  const network = make([400, 100, 10], ["relu"], "cross_entropy");
  startAfresh(network, randomNumbers(1));
  const spread = (w) => Math.sqrt(w.reduce((sum, each) => sum + each * each, 0) / w.length);
  assert.ok(Math.abs(spread(network.weights[0]) / Math.sqrt(2 / 400) - 1) < 0.02);
  assert.ok(Math.abs(spread(network.weights[1]) / Math.sqrt(1 / 100) - 1) < 0.08);
});

test("an order is a permutation", () => {
  assert.deepEqual(shuffled(50, randomNumbers(2)).sort((m, n) => m - n), Array.from({ length: 50 }, (_, n) => n));
});

test("a nudge stays within its bounds and reaches what can be reached", () => {
  // score 1 - score 0 = x0 - x1: with x = (0, 1) the other way round wins.
  const model = { sizes: [2, 2], activations: [], loss: { name: "cross_entropy" }, decay: 0 };
  const network = makeNetwork(model, Float32Array.of(0, 1, 1, 0, 0, 0));
  const found = nudged(network, [0.2, 0.9], 1, 1);
  assert.ok(found.reached && found.x.every((each) => each >= 0 && each <= 1));
  // The shortest way to x0 = x1 is 0.7 / sqrt(2), and a step is 0.05 long.
  assert.ok(found.size >= 0.7 / Math.SQRT2 && found.size <= 0.7 / Math.SQRT2 + 0.051);
  const fixed = makeNetwork(model, Float32Array.of(0, 0, 0, 0, 1, 0));
  assert.equal(nudged(fixed, [0.2, 0.9], 1, 1).reached, false);
});
