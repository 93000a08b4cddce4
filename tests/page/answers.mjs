// Answers for tests/test_page.py, one JSON document in and one out: what the page's modules compute of networks, sheets
// and drawings.

import { readFileSync } from "node:fs";

import { arrayOf } from "../../cnet/page/decode.mjs";
import { prepare } from "../../cnet/page/image.mjs";
import { sheetOf } from "../../cnet/page/ink.mjs";
import { forward, gradient, makeNetwork } from "../../cnet/page/network.mjs";
import { samplesOf } from "../../cnet/page/samples.mjs";

const ASKED = {
  async networks(all) {
    return Promise.all(all.map(async (model) => {
      const network = makeNetwork(model, await arrayOf(model.parameters));
      const samples = await samplesOf(model, model.test), { weights, biases } = gradient(network, samples);
      return {
        predictions: samples.map(({ x }) => Array.from(forward(network, x).y)),
        gradient: weights.flatMap((w, l) => [Array.from(w), Array.from(biases[l])]),
      };
    }));
  },
  drawings: (all) => all.map((strokes) => {
    const sheet = sheetOf(strokes);
    return { sheet: Array.from(sheet, (ink) => Math.round(255 * ink)), pixels: Array.from(prepare(sheet).pixels) };
  }),
};

const [kind, asked] = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await ASKED[kind](asked)));
