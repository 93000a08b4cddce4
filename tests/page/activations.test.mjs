import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIVATIONS, normalCdf } from "../../cnet/page/activations.mjs";

const POINTS = [-30, -6.5, -3, -1, -0.3, 0.2, 1, 2.4, 2.6, 5, 30];

test("the normal distribution, from tables", () => {
  // Abramowitz and Stegun, tables 26.1 and 26.2.
  for (const [a, p] of [[0, 0.5], [1, 0.841344746068543], [2, 0.977249868051821], [-3, 0.001349898031630095],
    [-5, 2.866515719e-7], [-10, 7.619853e-24]]) {
    assert.ok(Math.abs(normalCdf(a) - p) <= 1e-7 * p, `${a}`);
  }
  assert.ok(Math.abs(normalCdf(1) - 0.841344746068543) < 1e-14);
});

test("values by hand", () => {
  const expected = {
    identity: [-1.5, 2], sigmoid: [1 / (1 + Math.E ** 1.5), 1 / (1 + Math.E ** -2)],
    tanh: [(Math.E ** -3 - 1) / (Math.E ** -3 + 1), (Math.E ** 4 - 1) / (Math.E ** 4 + 1)],
    relu: [0, 2], leaky_relu: [-0.015, 2], elu: [Math.E ** -1.5 - 1, 2],
    gelu: [-0.1002108019, 1.9544997361], silu: [-1.5 / (1 + Math.E ** 1.5), 2 / (1 + Math.E ** -2)],
  };
  assert.deepEqual(Object.keys(ACTIVATIONS), Object.keys(expected));
  for (const [name, [low, high]] of Object.entries(expected)) {
    assert.ok(Math.abs(ACTIVATIONS[name].value(-1.5) - low) < 1e-9, name);
    assert.ok(Math.abs(ACTIVATIONS[name].value(2) - high) < 1e-9, name);
  }
});

for (const [name, { value, slope }] of Object.entries(ACTIVATIONS)) {
  test(`${name}: the slope is that of the value`, () => {
    for (const a of POINTS) {
      const h = 1e-5, numerical = (value(a + h) - value(a - h)) / (2 * h);
      assert.ok(Math.abs(slope(a, value(a)) - numerical) < 1e-8, `${a}`);
    }
  });
}
