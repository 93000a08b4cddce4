// Training on the page: mini-batches, steps, what they leave, and a check of one derivative.

import { forward, gradient, largestOf, objective, step } from "./network.mjs";

// A stream of numbers from 0 to 1 (xorshift, 32 bits): the same page trains in the same way twice.
export function randomNumbers(seed) {
  let state = (seed | 0) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export function shuffled(count, random) {
  const order = Array.from({ length: count }, (_, n) => n);
  for (let n = count - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    [order[n], order[other]] = [order[other], order[n]];
  }
  return order;
}

// New weights for all layers: normal numbers of spread sqrt(gain / inputs), in the first layer `first`; biases 0.
export function startAfresh(network, random, first = null) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  network.weights.forEach((w, l) => {
    const flat = ["identity", "sigmoid", "tanh"].includes(network.activations[l] ?? "identity");
    const spread = (l === 0 && first) || Math.sqrt((flat ? 1 : 2) / network.sizes[l]);
    for (let n = 0; n < w.length; n++) w[n] = spread * normal();
    network.biases[l].fill(0);
  });
}

// A training of `network` on samples [{x, t}], whose `next` makes one step.
export function makeTraining(network, samples, seed = 1) {
  const random = randomNumbers(seed);
  let order = [], at = 0;
  const training = {
    network, samples, random, iterations: 0, losses: [], batch: [], failed: false,
    // Steps until every sample has had its turn.
    perEpoch: (batchSize) => Math.ceil(samples.length / batchSize),
    draw(batchSize) {
      if (at >= order.length) [order, at] = [shuffled(samples.length, random), 0];
      training.batch = order.slice(at, at + batchSize).map((n) => samples[n]);
      at += batchSize;
      return training.batch;
    },
    next(rate, batchSize) {
      const batch = training.draw(batchSize);
      const loss = objective(network, batch);
      // Nothing is changed by a step that leads nowhere.
      if (!Number.isFinite(loss)) return (training.failed = true), loss;
      step(network, gradient(network, batch), rate);
      training.iterations++;
      training.losses.push(loss);
      return loss;
    },
  };
  return training;
}

// The share of samples whose class is read right.
export function accuracy(network, samples) {
  if (!samples.length) return NaN;
  const right = samples.filter(({ x, label }) => largestOf(forward(network, x).scores) === label);
  return right.length / samples.length;
}

// One weight's derivative twice: by backpropagation, and by moving the weight a little up and down.
export function checkWeight(network, samples, layer, index, h = 1e-4) {
  const w = network.weights[layer], value = w[index];
  const backprop = gradient(network, samples).weights[layer][index];
  w[index] = value + h;
  const above = objective(network, samples);
  w[index] = value - h;
  const below = objective(network, samples);
  w[index] = value;
  const numerical = (above - below) / (2 * h);
  return { value, h, above, below, numerical, backprop, difference: Math.abs(numerical - backprop) };
}
