// @ts-check
// Work beside the page: in a worker where the page may start one, else in the page itself.
// What is asked and answered is the same for both: see tasks.js.

import { serve } from "./tasks.js";

/** What the script does where it is a worker. */
export function workInBackground() {
  const act = serve((answer, buffers = []) => postMessage(answer, { transfer: buffers }));
  onmessage = ({ data }) => act(data);
}

/**
 * Return {send, close}; every answer goes to `hear`. A worker that cannot start, as some
 * pages forbid, is known only later: until the first answer what was sent is kept, and
 * then sent to the page itself.
 * @param {(answer: any[]) => void} hear
 */
export function inBackground(hear) {
  let sent = [], open = true, way = null;
  const here = () => {
    const act = serve((answer) => open && hear(answer));
    way = { post: (message) => setTimeout(() => open && act(message)), end() {} };
    for (const message of sent ?? []) way.post(message);
    sent = null;
  };
  try {
    const worker = new Worker(import.meta.url, { type: "module" }); // this very script
    worker.onmessage = ({ data }) => ((sent = null), hear(data));
    worker.onerror = (event) => {
      if (!sent) return; // an error of ours, which the console should tell
      event.preventDefault();
      here();
    };
    way = { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
  } catch {
    here();
  }
  return {
    send(/** @type {any[]} */ message) {
      sent?.push(message);
      way.post(message);
    },
    close: () => ((open = false), way.end()),
  };
}
