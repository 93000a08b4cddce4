// What would change the network's mind: the derivative of the difference between two classes' scores with respect
// to every input, and a walk along it.

import { forward, inputGradient, largestOf } from "./network.mjs";

// d(score of `rival` - score of `best`) / d(input): where more ink speaks for the rival.
export function towards(network, pass, best, rival) {
  const delta = new Float64Array(pass.scores.length);
  delta[rival] += 1;
  delta[best] -= 1;
  return inputGradient(network, pass, delta);
}

// The class with the highest score besides the best one.
export function runnerUp(scores) {
  const best = largestOf(scores);
  return largestOf(Array.from(scores, (score, k) => (k === best ? -Infinity : score)));
}

// Small steps along `towards` until the rival has the highest score; every input stays between 0 and `full`.
// {x, reached, size: the root of the squared changes, in units of full}
export function nudged(network, x, rival, full, { steps = 200, length = 0.05 } = {}) {
  const moved = Float64Array.from(x);
  for (let n = 0; n < steps; n++) {
    const pass = forward(network, moved), best = largestOf(pass.scores);
    if (best === rival) break;
    const direction = towards(network, pass, best, rival);
    // What is at an end cannot go further.
    direction.forEach((each, i) => {
      if ((moved[i] <= 0 && each < 0) || (moved[i] >= full && each > 0)) direction[i] = 0;
    });
    const norm = Math.sqrt(direction.reduce((sum, each) => sum + each * each, 0));
    if (!norm) break;
    for (let i = 0; i < moved.length; i++) {
      moved[i] = Math.max(0, Math.min(full, moved[i] + (length * full * direction[i]) / norm));
    }
  }
  const size = Math.sqrt(moved.reduce((sum, each, i) => sum + ((each - x[i]) / full) ** 2, 0));
  return { x: moved, reached: largestOf(forward(network, moved).scores) === rival, size };
}
