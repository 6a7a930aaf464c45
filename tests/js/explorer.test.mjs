// @ts-check
// What a page's widgets share.

import assert from "node:assert/strict";
import { test } from "node:test";

import { shareWeights } from "../../vaetut/widgets/js/explorer.js";

test("weights that a page has once are found by their number", () => {
  const of = (/** @type {string[]} */ ...all) => ({ networks: all.map((weights) => ({ weights })) });
  const states = [of("AAAA", "BBBB"), {}, of("#1", "CCCC"), of("#2", "#0")];
  shareWeights(states);
  const found = states.map(({ networks = [] }) => networks.map(({ weights }) => weights));
  assert.deepEqual(found, [["AAAA", "BBBB"], [], ["BBBB", "CCCC"], ["CCCC", "AAAA"]]);
});
