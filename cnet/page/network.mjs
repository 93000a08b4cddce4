// The network: forward pass, backward pass, one step of gradient descent.
//
// weights[l] has (inputs of layer l) rows and (units of layer l) columns, one row after the other, as in cnet.

import { ACTIVATIONS } from "./activations.mjs";
import { LOSSES } from "./losses.mjs";

// parameters: all numbers in the order W1, b1, W2, b2, ...
export function makeNetwork(model, parameters) {
  const { sizes, activations, loss } = model;
  const weights = [], biases = [];
  let begin = 0;
  const take = (count) => Float64Array.from(parameters.subarray(begin, (begin += count)));
  for (let l = 0; l + 1 < sizes.length; l++) {
    weights.push(take(sizes[l] * sizes[l + 1]));
    biases.push(take(sizes[l + 1]));
  }
  if (begin !== parameters.length) throw new Error(`${begin} parameters expected, ${parameters.length} given`);
  return { sizes, activations, loss, decay: model.decay, weights, biases };
}

export function copyOf(network) {
  return {
    ...network, weights: network.weights.map((w) => w.slice()), biases: network.biases.map((b) => b.slice()),
  };
}

// a[l] and z[l]: pre-activations and activations of layer l + 1; z[-1] is the input, called x. y: the prediction.
export function forward(network, x) {
  const { sizes, weights, biases } = network;
  const last = weights.length - 1;
  const a = [], z = [];
  let inputs = x;
  for (let l = 0; l <= last; l++) {
    const units = sizes[l + 1], w = weights[l], sums = biases[l].slice();
    for (let i = 0; i < inputs.length; i++) {
      const value = inputs[i];
      if (value === 0) continue;
      for (let j = 0, at = i * units; j < units; j++) sums[j] += value * w[at + j];
    }
    a.push(sums);
    if (l < last) z.push((inputs = sums.map(ACTIVATIONS[network.activations[l]].value)));
  }
  return { x, a, z, scores: a[last], y: LOSSES[network.loss.name].output(a[last]) };
}

// What layer l reads: the input, or the activations of the layer before it.
export function inputsOf(pass, l) {
  return l === 0 ? pass.x : pass.z[l - 1];
}

// From derivatives with respect to the pre-activations of layer l to those with respect to what it reads.
function backThrough(network, l, delta) {
  const units = network.sizes[l + 1], w = network.weights[l];
  const result = new Float64Array(network.sizes[l]);
  for (let i = 0, at = 0; i < result.length; i++, at += units) {
    let sum = 0;
    for (let j = 0; j < units; j++) sum += w[at + j] * delta[j];
    result[i] = sum;
  }
  return result;
}

function throughActivation(network, pass, l, derivative) {
  const { slope } = ACTIVATIONS[network.activations[l]];
  return derivative.map((each, j) => each * slope(pass.a[l][j], pass.z[l][j]));
}

// The derivatives with respect to the input of sum(delta * a[top]); top is the last layer unless it is said.
export function inputGradient(network, pass, delta, top = network.weights.length - 1) {
  let derivative = delta;
  for (let l = top; l >= 0; l--) {
    derivative = backThrough(network, l, derivative);
    if (l > 0) derivative = throughActivation(network, pass, l - 1, derivative);
  }
  return derivative;
}

// The mean loss of samples [{x, t}], with the L2 penalty, which is what gradient descent makes small.
export function objective(network, samples) {
  const { value } = LOSSES[network.loss.name];
  let total = 0;
  for (const { x, t } of samples) total += value(forward(network, x).scores, t, network.loss.parameter);
  let penalty = 0;
  if (network.decay) for (const w of network.weights) for (const each of w) penalty += each * each;
  return total / samples.length + (network.decay * penalty) / 2;
}

// The gradient of `objective` by backpropagation, as {weights, biases}.
export function gradient(network, samples) {
  const { sizes, weights } = network;
  const sums = {
    weights: weights.map((w) => new Float64Array(w.length)),
    biases: network.biases.map((b) => new Float64Array(b.length)),
  };
  const { delta: deltaOf } = LOSSES[network.loss.name];
  for (const { x, t } of samples) {
    const pass = forward(network, x);
    let delta = deltaOf(pass.scores, t, network.loss.parameter).map((each) => each / samples.length);
    for (let l = weights.length - 1; l >= 0; l--) {
      const inputs = inputsOf(pass, l), units = sizes[l + 1], dW = sums.weights[l], db = sums.biases[l];
      for (let j = 0; j < units; j++) db[j] += delta[j];
      for (let i = 0; i < inputs.length; i++) {
        const value = inputs[i];
        if (value === 0) continue;
        for (let j = 0, at = i * units; j < units; j++) dW[at + j] += value * delta[j];
      }
      if (l > 0) delta = throughActivation(network, pass, l - 1, backThrough(network, l, delta));
    }
  }
  if (network.decay) {
    sums.weights.forEach((dW, l) => dW.forEach((_, n) => (dW[n] += network.decay * weights[l][n])));
  }
  return sums;
}

// W <- W - rate * dW, in place.
export function step(network, gradients, rate) {
  for (const kind of ["weights", "biases"]) {
    network[kind].forEach((values, l) => {
      const derivatives = gradients[kind][l];
      for (let n = 0; n < values.length; n++) values[n] -= rate * derivatives[n];
    });
  }
}

// The index of the largest number; the first of equal ones.
export function largestOf(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}
