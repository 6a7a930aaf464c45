// @ts-check
// The loss ledger: training, unit and epoch are the traits. All is in nats per image
// until it is shown.

import { keyOf, makeChart } from "./chart.js";
import { announcer, chooser, give, make, svg } from "./nodes.js";
import { clamp, digitsOf, fixed, makeScale, minus, summed } from "./numbers.js";
import { pathOf } from "./points.js";

const ROWS = [["reconstruction", ""], ["KL", ""], ["weight of the KL", "×"], ["weight × KL", "+"], ["total", "="]];

const plain = (v) => minus(String(Number(v.toPrecision(4))));

function mount(root, state, store) {
  const runs = new Map(state.runs.map((run) => [run.name, run])), units = new Map(state.units.map((unit) => [unit.name, unit.factors]));
  const last = state.runs[0].kl.length - 1;
  const go = (epoch) => store.set({ epoch: clamp(epoch, 0, last) });
  const run = chooser(`Training, ${state.label}`, [...runs.keys()], (name) => store.set({ run: name }));
  const unit = chooser("Unit", [...units.keys()], (name) => store.set({ unit: name }));
  const chart = makeChart("Epoch", last, go), heard = announcer();
  const head = make("th", { scope: "col" }), cells = ROWS.map(() => [make("td"), make("td")]);
  const table = make(
    "table", { class: "vl-account" },
    make("thead", {}, make("tr", {}, make("td"), head, make("th", { scope: "col" }, "nats per image"))),
    make("tbody", {}, ...ROWS.map(([name, sign], k) => make(
      "tr", { class: name === "total" ? "vl-total" : "" },
      make("th", { scope: "row" }, make("span", { class: "vl-sign", "aria-hidden": "true" }, sign), name), ...cells[k],
    ))),
  );
  const bare = make("p", { class: "vx-words" });

  root.replaceChildren(make(
    "div", { class: "vx-all" },
    make("div", { class: "vx-bar" }, run.node, unit.node),
    make(
      "div", { class: "vl-row" },
      make("div", {}, make("p", { class: "vx-legend" }, keyOf("vx-k0", "reconstruction"), keyOf("vx-k1", "total; between: weight × KL")), chart.node),
      make("div", {}, table, bare),
    ),
    heard.node,
  ));

  /** @param {any} run @param {number[]} factors @param {number} i */
  function account({ beta, reconstruction, kl }, [w, k], i) {
    const weight = (beta * w) / k;
    return [w * reconstruction[i], k * kl[i], weight, weight * k * kl[i], w * (reconstruction[i] + beta * kl[i])];
  }

  function written(/** @type {number[]} */ [reconstruction, kl, weight, term, total]) {
    const [a, b, c] = summed([reconstruction, term, total]);
    return [a, fixed(kl, digitsOf(kl)), plain(weight), b, c];
  }

  function show() {
    const here = runs.get(store.get("run")), name = store.get("unit"), factors = units.get(name), i = store.get("epoch");
    const [w, k] = factors, lower = here.reconstruction.map((v) => w * v), upper = lower.map((v, j) => v + w * here.beta * here.kl[j]);
    const scale = makeScale([0, ...lower, ...upper], 1), mine = account(here, factors, i), shown = written(mine);
    run.select.value = here.name;
    unit.select.value = name;
    head.textContent = "in the log";
    const nats = written(account(here, [1, 1], i));
    cells.forEach(([left, right], row) => ((left.textContent = shown[row]), (right.textContent = nats[row])));
    const band = (x, y, floor, values) => pathOf([...values.map((v, j) => [x(j), y(v)]), ...floor.map((v, j) => [x(j), y(v)]).reverse()]) + "Z";
    chart.draw({
      curves: [{ kind: "vx-k0", values: lower }, { kind: "vx-k1", values: upper }], scale,
      under: (x, y) => [
        svg("path", { class: "vl-band vx-k0", d: band(x, y, lower.map(() => 0), lower) }),
        svg("path", { class: "vl-band vx-k1", d: band(x, y, lower, upper) }),
      ],
      marks: lower.map((_, j) => [j, j ? String(j + 1) : "epoch 1"]), letter: "", label: `Reconstruction and total over the epochs, in the unit ${name}`,
    }, i);
    give(chart.input, { "aria-valuetext": `epoch ${i + 1}` });
    bare.replaceChildren(
      `In this unit a bare “+ KL”, without a weight, is `, make("strong", {}, `β = ${plain(k / w)}`),
      `. This training has β = ${plain(here.beta)}, so its KL is given the weight ${plain(mine[2])}.`,
    );
    heard.say(`Epoch ${i + 1}, ${name}: reconstruction ${shown[0]}, weight times KL ${shown[3]}, total ${shown[4]}`);
  }
  return { show, close: heard.close };
}

/** @type {import("./explorer.js").Widget} */
export default { kind: "vaetut-ledger", label: "Loss ledger", names: ["run", "unit", "epoch"], mount };
