// Numbers as colours. Blue is below 0 and orange above it, here as in cnet's other pictures; ink is ink.

let palette = null;

// The colours that the style sheet has for the theme in use, as [red, green, blue].
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  };
  palette = { ink: rgb("--ink"), negative: rgb("--negative"), positive: rgb("--positive") };
  palette.classes = [1, 2, 3, 4, 5, 6].map((n) => rgb(`--class-${n}`));
}

export function classColor(k) {
  return palette.classes[k % palette.classes.length];
}

function paint(canvas, colorAt) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  for (let n = 0; n < canvas.width * canvas.height; n++) {
    const [rgb, opacity] = colorAt(n);
    image.data.set(rgb, 4 * n);
    image.data[4 * n + 3] = Math.round(255 * Math.max(0, Math.min(1, opacity)));
  }
  context.putImageData(image, 0, 0);
}

// values from 0 (paper) to `full` (ink)
export function paintInk(canvas, values, full = 1) {
  paint(canvas, (n) => [palette.ink, values[n] / full]);
}

// Small values would hardly be seen if their colour's strength were in proportion.
function strength(share) {
  return Math.abs(share) ** 0.75;
}

export function paintSigned(canvas, values, scale = largestSize(values)) {
  paint(canvas, (n) => [values[n] < 0 ? palette.negative : palette.positive, scale ? strength(values[n] / scale) : 0]);
}

// Ink in grey below, signs above it.
export function paintOverlay(canvas, ink, values, scale = largestSize(values)) {
  paint(canvas, (n) => {
    const share = scale ? strength(values[n] / scale) : 0;
    if (share < 0.12) return [palette.ink, 0.45 * ink[n]];
    const over = values[n] < 0 ? palette.negative : palette.positive;
    const below = 0.45 * ink[n] * (1 - share), opacity = share + below;
    return [over.map((each, c) => (each * share + palette.ink[c] * below) / opacity), opacity];
  });
}

// Classes as colours, as strong as they are likely.
export function paintClasses(canvas, classes, shares) {
  paint(canvas, (n) => [classColor(classes[n]), 0.15 + 0.6 * shares[n]]);
}

export function signedColor(value, scale) {
  const rgb = value < 0 ? palette.negative : palette.positive;
  return `rgb(${rgb.join(" ")} / ${scale ? Math.min(1, strength(value / scale)).toFixed(3) : 0})`;
}

export function largestSize(values) {
  let most = 0;
  for (const each of values) most = Math.max(most, Math.abs(each));
  return most;
}
