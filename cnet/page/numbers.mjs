// Numbers as the page writes them: a real minus sign, few digits.

export function plain(value, digits = 2) {
  if (!Number.isFinite(value)) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const extreme = size !== 0 && (size >= 1e5 || size < 10 ** -digits / 2);
  const written = extreme ? value.toExponential(1) : value.toFixed(digits);
  return written.replace(/^-(?=[0.]*$)/, "").replace(/-/g, "−");
}

export function signed(value, digits = 2) {
  return value >= 0 ? `+${plain(value, digits)}` : plain(value, digits);
}

export function percent(share) {
  const value = 100 * share;
  if (value > 99.9 && value < 100) return "> 99.9 %";
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value.toFixed(value >= 99.5 || value < 9.95 ? 1 : 0)} %`;
}

export function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

// The indices of the `count` largest numbers, largest first.
export function largest(values, count) {
  return Array.from(values, (_, n) => n).sort((m, n) => values[n] - values[m]).slice(0, count);
}
