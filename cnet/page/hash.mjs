// The permalink: a drawing, a sample or typed numbers as the part of the address after #.
//
// A drawing is 2 bytes for each point (x and y from 0 to 254) with 255 between strokes, in base64 for addresses.

const SEPARATOR = 255;

export function encodeStrokes(strokes) {
  const bytes = [];
  for (const stroke of strokes) {
    if (bytes.length) bytes.push(SEPARATOR);
    let last = null;
    for (const [x, y] of stroke) {
      const point = [x, y].map((each) => Math.max(0, Math.min(254, Math.round(each * 254))));
      if (last && point[0] === last[0] && point[1] === last[1]) continue;
      bytes.push(...point);
      last = point;
    }
  }
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The strokes; null for what is no drawing. Addresses may come from anybody.
export function decodeStrokes(encoded) {
  if (!/^[A-Za-z0-9_-]{1,40000}$/.test(encoded)) return null;
  let bytes;
  try {
    bytes = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
  const strokes = [[]];
  for (let n = 0; n < bytes.length; n++) {
    const x = bytes.charCodeAt(n);
    if (x === SEPARATOR) {
      strokes.push([]);
      continue;
    }
    const y = bytes.charCodeAt(++n);
    if (!(y < SEPARATOR)) return null;
    strokes.at(-1).push([x / 254, y / 254]);
  }
  return strokes.every((stroke) => stroke.length) ? strokes : null;
}

export function readHash(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const numbers = fields.get("x")?.split(",").map(Number);
  return {
    strokes: fields.has("d") ? decodeStrokes(fields.get("d")) : null,
    numbers: numbers?.every(Number.isFinite) ? numbers : null,
    language: fields.get("lang"),
    theme: ["light", "dark"].find((each) => each === fields.get("theme")) ?? null,
  };
}

export function writeHash({ strokes, numbers, language, theme }) {
  const fields = [];
  if (strokes?.length) fields.push(`d=${encodeStrokes(strokes)}`);
  if (numbers) fields.push(`x=${numbers.map((each) => +each.toPrecision(6)).join(",")}`);
  if (language) fields.push(`lang=${language}`);
  if (theme) fields.push(`theme=${theme}`);
  return fields.length ? `#${fields.join("&")}` : "";
}
