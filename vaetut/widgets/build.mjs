// Bundles the widgets' modules into the one script, and their styles into the one sheet,
// that pages carry: `npm run build`. The script is compressed, and unpacks itself. Both
// begin with a hash of all that they are made of, which Python's tests compute again: they
// find an old bundle without Node. With --check nothing is written, and bundles that
// differ are an error.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

import { build } from "esbuild";

const HERE = new URL(".", import.meta.url);
const TARGET = "es2022";

/** The hash of all sources with their names, which tests/unit/test_bundle.py has as well. */
function hashOfSources() {
  const own = ["css", "js"].flatMap((folder) => readdirSync(new URL(folder, HERE)).map((name) => `${folder}/${name}`));
  const hash = createHash("sha256");
  for (const name of ["build.mjs", ...own.sort()]) hash.update(`${name}\0`).update(readFileSync(new URL(name, HERE))).update("\0");
  return hash.digest("hex");
}

/** @type {import("esbuild").BuildOptions} */
const options = { bundle: true, minify: true, write: false, target: TARGET, charset: "utf8", legalComments: "none", logLevel: "warning" };
const bundle = async (/** @type {import("esbuild").BuildOptions} */ more) => (await build({ ...options, ...more })).outputFiles[0].text;
const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, HERE));

const head = `vaetut widgets, made by build.mjs of sources ${hashOfSources()}`;
const script = await bundle({ entryPoints: [path("js/main.js")], format: "esm" });
const style = await bundle({ entryPoints: [path("css/main.css")] });

// A module that unpacks a module, and has its exports. That one starts its own address
// again, as a worker.
const packed = `// ${head}
const packed = "${gzipSync(script, { level: 9 }).toString("base64")}";
const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const { default: widgets } = await import(address);
export default widgets;
`;

/** What a bundle says, whichever zlib packed it. */
const unpacked = (/** @type {string} */ text) => text.replace(/const packed = "(.*)"/, (_, data) => gunzipSync(Buffer.from(data, "base64")).toString());

for (const [name, made] of [["bundle.js", packed], ["bundle.css", `/* ${head} */\n${style}`]]) {
  const place = new URL(name, HERE);
  if (!process.argv.includes("--check")) writeFileSync(place, made);
  else if (unpacked(readFileSync(place, "utf8")) !== unpacked(made)) throw new Error(`vaetut/widgets/${name} is not what its sources give: run \`npm run build\`.`);
}
