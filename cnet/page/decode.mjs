// The arrays in the page: base64 of a compressed array. Bytes of numbers stand plane by plane (all first bytes,
// then all second ones), in which form weights take less room.

export async function inflated(text) {
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// {type: "float32" or "uint8" or "int32", data: base64} as a typed array.
export async function arrayOf({ type, data }) {
  const bytes = await inflated(data);
  if (type === "uint8") return bytes;
  const count = bytes.length / 4, view = new DataView(new ArrayBuffer(bytes.length));
  for (let n = 0; n < count; n++) for (let b = 0; b < 4; b++) view.setUint8(4 * n + b, bytes[b * count + n]);
  const read = type === "float32" ? "getFloat32" : "getInt32";
  const result = new (type === "float32" ? Float32Array : Int32Array)(count);
  for (let n = 0; n < count; n++) result[n] = view[read](4 * n, true);
  return result;
}
