// The hidden layers' activations: value and slope of one number, by cnet's names. `a` is what a unit has summed up.

const ROOT_PI = Math.sqrt(Math.PI);

// 1 - erf(x) for x >= 0. Below 2.5 the series of erf whose terms are all positive (DLMF 7.6.2), above it
// the continued fraction of erfc (DLMF 7.9.2), which does not cancel however small erfc is.
function tail(x) {
  if (x < 2.5) {
    let term = x, sum = x;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / ROOT_PI) * Math.exp(-x * x) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / ROOT_PI / (x + fraction);
}

// The probability that a standard normal number is below a.
export function normalCdf(a) {
  const half = tail(Math.abs(a) / Math.SQRT2) / 2;
  return a < 0 ? half : 1 - half;
}

function normalDensity(a) {
  return Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);
}

export function sigmoid(a) {
  // exp of a negative number in both cases: nothing overflows.
  const e = Math.exp(-Math.abs(a));
  return (a < 0 ? e : 1) / (1 + e);
}

// slope(a, z): the derivative at a, where the value is z.
export const ACTIVATIONS = {
  identity: { value: (a) => a, slope: () => 1, formula: "a" },
  sigmoid: { value: sigmoid, slope: (a, z) => z * (1 - z), formula: "1 / (1 + e⁻ᵃ)" },
  tanh: { value: Math.tanh, slope: (a, z) => 1 - z * z, formula: "(eᵃ − e⁻ᵃ) / (eᵃ + e⁻ᵃ)" },
  relu: { value: (a) => (a > 0 ? a : 0), slope: (a) => (a > 0 ? 1 : 0), formula: "max(a, 0)" },
  leaky_relu: {
    value: (a) => (a > 0 ? a : 0.01 * a), slope: (a) => (a > 0 ? 1 : 0.01), formula: "max(a, 0.01 a)",
  },
  elu: {
    value: (a) => (a > 0 ? a : Math.expm1(a)), slope: (a) => Math.exp(Math.min(a, 0)),
    formula: "a > 0 ? a : eᵃ − 1",
  },
  gelu: {
    value: (a) => a * normalCdf(a), slope: (a) => normalCdf(a) + a * normalDensity(a), formula: "a · Φ(a)",
  },
  silu: {
    value: (a) => a * sigmoid(a),
    slope: (a) => sigmoid(a) + a * sigmoid(a) * (1 - sigmoid(a)),
    formula: "a / (1 + e⁻ᵃ)",
  },
};
