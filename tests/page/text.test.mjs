import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { smoothed, thinned } from "../../cnet/page/curve.mjs";
import { classesOf } from "../../cnet/page/names.mjs";
import { grouped, largest, percent, plain, signed } from "../../cnet/page/numbers.mjs";
import { LANGUAGES, chooseLanguage } from "../../cnet/page/text.mjs";

const FOLDER = new URL("../../cnet/page/", import.meta.url);

test("every language says the same things, of the same numbers", () => {
  const { en, ...others } = LANGUAGES;
  for (const other of Object.values(others)) {
    assert.deepEqual(Object.keys(other), Object.keys(en));
    for (const [name, words] of Object.entries(en)) {
      assert.equal(typeof other[name], typeof words, name);
      if (typeof words === "function") assert.equal(other[name].length, words.length, name);
    }
  }
});

test("what the page says is in the list, and the list holds nothing else", () => {
  const used = new Set(["code", "language", "dark", "light"]);
  for (const name of readdirSync(FOLDER).filter((each) => each.endsWith(".mjs"))) {
    for (const [, word] of readFileSync(new URL(name, FOLDER), "utf8").matchAll(/\btext\.(?!mjs)(\w+)/g)) used.add(word);
  }
  assert.deepEqual([...used].sort(), Object.keys(LANGUAGES.en).sort());
});

test("Chinese sentences have Chinese punctuation", () => {
  for (const [name, words] of Object.entries(LANGUAGES.zh)) {
    assert.doesNotMatch(String(words), /[\u4e00-\u9fff][,.;:?!]/, name);
  }
});

test("the language of the address, else of the browser, else English", () => {
  assert.equal(chooseLanguage("zh", ["en-GB"]), "zh");
  assert.equal(chooseLanguage(null, ["fr", "zh-TW", "en"]), "zh");
  assert.equal(chooseLanguage("xx", []), "en");
  assert.equal(chooseLanguage("constructor", ["toString"]), "en");
});

test("numbers in words", () => {
  assert.deepEqual([plain(-1.234), plain(-0.0001, 2), plain(0), plain(1e6), plain(NaN)], ["−1.23", "−1.0e−4", "0.00", "1.0e+6", "NaN"]);
  assert.deepEqual([signed(2, 1), signed(-2, 1)], ["+2.0", "−2.0"]);
  assert.deepEqual([0, 0.0001, 0.01, 0.5, 0.9996, 1].map(percent), ["0.0 %", "< 0.1 %", "1.0 %", "50 %", "> 99.9 %", "100.0 %"]);
  assert.equal(grouped(1234567), "1,234,567");
  assert.deepEqual(largest([1, 5, 3], 2), [1, 2]);
});

test("a single sigmoid has two classes", () => {
  assert.deepEqual(classesOf({ loss: { name: "binary_cross_entropy" } }, [0.25]), [{ k: 0, p: 0.75 }, { k: 1, p: 0.25 }]);
  assert.equal(classesOf({ loss: { name: "huber" } }, [0.25]), null);
});

test("a long curve is thinned by means, and smoothed from its first value", () => {
  assert.deepEqual(thinned([1, 3, 5, 7, 9], 2), [[1, 3], [3.5, 8]]);
  assert.deepEqual(smoothed([[0, 4], [1, 0]], 0.5), [[0, 4], [1, 2]]);
});
