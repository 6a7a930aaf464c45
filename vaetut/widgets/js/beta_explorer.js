// @ts-check
// The beta explorer: run is the trait. Nothing is decoded.

import { announcer, give, make, slider, svg, text, whenDecoded } from "./nodes.js";
import { fixed, makeScale } from "./numbers.js";
import { loadPicture, makeFaces, outline } from "./pictures.js";

function mount(root, state, store) {
  const { rows, label, image, bins, width, prior } = state, reach = bins * width;
  const strips = rows.map(({ reconstructions, random }) => [reconstructions, random].map(loadPicture));
  const originals = state.originals && loadPicture(state.originals), [made, drawn] = rows[0].faces;
  const run = slider(label, { min: 0, max: rows.length - 1 }, (k) => store.set({ run: rows[k].name })), heard = announcer();
  const band = (words, n, kind) => {
    const { faces, node } = makeFaces(n, image, 192, { "data-faces": kind });
    return { faces, row: node, node: make("div", {}, make("p", { class: "vx-title" }, words), node) };
  };
  const first = originals && band("Original", made, "originals");
  const bands = [band("Reconstructed", made, "reconstructions"), band("Random, z from N(0, I)", drawn, "random")];
  const plot = svg("svg", { class: "vb-plot", role: "img" }), words = make("caption");
  const cells = rows[0].numbers.map(() => make("td"));
  const table = make("table", { class: "vb-numbers" }, words, make("tbody", {}, ...rows[0].numbers.map(([name], k) => make("tr", {}, make("th", { scope: "row" }, name), cells[k]))));

  root.replaceChildren(make(
    "div", { class: "vx-all" }, run.node, ...[first, ...bands].filter(Boolean).map(({ node }) => node),
    make(
      "div", { class: "vb-row" },
      make("div", { class: "vb-hill" }, make("p", { class: "vx-title" }, "How long the codes of real images are"), plot),
      ...(cells.length ? [table] : []),
    ),
    heard.node,
  ));

  function draw({ counts, name }, most) {
    const wide = plot.parentNode.clientWidth, left = 8, right = 12, floor = 150;
    if (!wide) return;
    const { ticks } = makeScale([0, reach]), x = (v) => left + ((wide - left - right) * v) / reach, y = (share) => floor - 130 * share;
    const parts = [svg("rect", { class: "vx-ground", x: left, y: 8, width: wide - left - right, height: floor - 8 })];
    for (const v of ticks.filter((v) => v <= reach)) {
      parts.push(svg("line", { class: "vx-grid", x1: x(v), x2: x(v), y1: 8, y2: floor }));
      parts.push(text(x(v), floor + 16, String(v), { class: "vx-mid" }));
    }
    parts.push(svg("path", { class: "vi-hill vx-k0", d: outline(counts, (k) => x(k * width), y) }));
    if (prior !== null && prior <= reach) {
      parts.push(svg("line", { class: "vb-prior", x1: x(prior), x2: x(prior), y1: 8, y2: floor }));
      const side = prior > reach / 2;
      parts.push(text(x(prior) + (side ? -6 : 6), 24, `N(0, I): ${fixed(prior, 1)}`, { class: `vx-name ${side ? "vx-end" : ""}` }));
    }
    give(plot, { viewBox: `0 0 ${wide} ${floor + 24}`, width: wide, height: floor + 24, "aria-label": `Histogram of the lengths of codes at ${label} = ${name}, most often ${most}` });
    plot.replaceChildren(...parts);
  }

  function show() {
    const k = rows.findIndex(({ name }) => name === store.get("run")), row = rows[k];
    const most = fixed(width * (0.5 + row.counts.indexOf(Math.max(...row.counts))));
    run.input.value = k;
    run.output.textContent = row.name;
    give(run.input, { "aria-valuetext": `${label} = ${row.name}` });
    words.textContent = `At ${label} = ${row.name}`;
    row.numbers.forEach(([, value], i) => (cells[i].textContent = value));
    first?.faces.forEach((face, i) => face.show(originals, i));
    first && give(first.row, { "aria-label": `${made} original faces` });
    bands.forEach(({ faces, row: node }, b) => {
      faces.forEach((face, i) => face.show(strips[k][b], i));
      give(node, { "aria-label": `${b ? `${drawn} random faces` : `${made} reconstructions`} at ${label} = ${row.name}` });
    });
    draw(row, most);
    root.dataset.run = row.name;
    heard.say(`${label} = ${row.name}: ${[...row.numbers.map((pair) => pair.join(" ")), `codes most often ${most} long`].join(", ")}`);
  }
  whenDecoded(root, [originals, ...strips.flat()].filter(Boolean), show);
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-beta", label: "Beta explorer", names: ["run"], mount };
