// @ts-check
// The two homes of a widget: a page of the built book, and Jupyter. In both, the state
// says which widget it is.

import { give, make, QUIET } from "./nodes.js";

/**
 * The traits, in the kernel or on the page.
 * @typedef {object} Store
 * @property {(name: string) => any} get
 * @property {(values: Record<string, any>) => void} set
 * @property {(show: () => void) => (() => void)} watch  what it returns ends that
 */

/**
 * What `mount` made: `show` draws all, after each change of a trait.
 * @typedef {object} Mounted
 * @property {() => void} show
 * @property {() => void} [close]  what else is to end
 * @property {() => void} [resize]  in place of `show` when a node changes its size
 * @property {Element[]} [sized]  the nodes whose size counts, in place of the root
 */

/**
 * A widget, as main.js lists them.
 * @typedef {object} Widget
 * @property {string} kind  the class of its root, which Python knows as well
 * @property {string} label
 * @property {string[]} names  of its traits
 * @property {(root: HTMLElement, state: any, store: Store, model: any) => Mounted} mount
 *   fills the root; the model is Jupyter's, and null on a page
 */

/** @returns {Store} */
function inKernel(model, names) {
  return {
    get: (name) => model.get(name),
    set(values) {
      for (const name in values) model.set(name, values[name]);
      model.save_changes();
    },
    watch(show) {
      const events = names.map((name) => `change:${name}`);
      for (const event of events) model.on(event, show);
      return () => events.forEach((event) => model.off(event, show));
    },
  };
}

/** @returns {Store} */
function inPage(values) {
  let tell;
  return {
    get: (name) => values[name],
    set: (changed) => (Object.assign(values, changed), tell()),
    watch: (show) => ((tell = show), () => {}),
  };
}

/**
 * Mount a widget; return what ends it.
 * @param {Widget} widget
 */
function begin({ kind, label, names, mount }, root, state, model) {
  const store = model ? inKernel(model, names) : inPage(state.start);
  root.classList.add(kind);
  give(root, { "data-live": "", role: "group", "aria-label": label });
  const { show, close, resize = show, sized = [root] } = mount(root, state, store, model);
  const unwatch = store.watch(show), size = new ResizeObserver(resize);
  for (const node of sized) size.observe(node);
  addEventListener("resize", resize); // a zoom may change devicePixelRatio alone
  show();
  return () => (close?.(), unwatch(), size.disconnect(), removeEventListener("resize", resize));
}

/**
 * Put weights into networks that only say "#k", where another widget of the page has
 * them: the k-th of all weights in its text. The book leaves repeated ones out.
 */
export function shareWeights(/** @type {{networks?: {weights: string}[]}[]} */ states) {
  const known = [];
  for (const network of states.flatMap(({ networks = [] }) => networks)) {
    const { weights } = network;
    if (weights.startsWith("#")) network.weights = known[Number(weights.slice(1))];
    else known.push(weights);
  }
}

/**
 * Mount every widget of a built page.
 * @param {Widget[]} widgets
 */
export function beginOnPage(widgets) {
  const roots = [...document.querySelectorAll(".vaetut-explorer:not([data-live])")].flatMap((root) => {
    const json = root.querySelector("script[type='application/json']");
    return json ? [{ root, state: JSON.parse(json.textContent) }] : [];
  });
  shareWeights(roots.map(({ state }) => state));
  for (const { root, state } of roots) {
    try {
      begin(widgets.find(({ kind }) => kind === state.widget), root, state, null);
    } catch (error) {
      reportError(error); // and go on: the others can still work
    }
  }
}

/**
 * Mount a widget in Jupyter, once the kernel has sent its state.
 * @param {Widget[]} widgets
 */
export async function beginLive(widgets, { model, el }) {
  const root = make("div", { class: "vaetut-explorer", "data-live": "", ...QUIET }, "Waiting for the kernel: run this cell.");
  el.append(root);
  const state = await new Promise((resolve) => {
    const listen = ({ kind, state }) => kind === "state" && (model.off("msg:custom", listen), resolve(state));
    model.on("msg:custom", listen);
    model.send({ kind: "state" });
  });
  return begin(widgets.find(({ kind }) => kind === state.widget), root, state, model);
}
