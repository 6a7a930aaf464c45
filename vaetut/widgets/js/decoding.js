// @ts-check
// Who decodes: the page, in a worker, or the kernel. Each is {send(number, wish), close()}
// and calls `done(number, images, ms)`. A wish has `jobs` for a page, [[network, code], …],
// and `message` for the kernel.

import { inBackground } from "./background.js";
import { make } from "./nodes.js";

function inBrowser(networks, done) {
  const { send, close } = inBackground(([, ...answer]) => done(...answer));
  send(["networks", networks]);
  return { send: (number, { jobs }) => send(["decode", number, jobs]), close };
}

// The kernel sends bytes of one or three channels.
function colourful(buffer, channels) {
  const data = new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset ?? 0, buffer.byteLength);
  const pixels = new Uint8ClampedArray((4 * data.length) / channels).fill(255);
  for (let p = 0; p < pixels.length / 4; p++)
    for (let c = 0; c < 3; c++) pixels[4 * p + c] = data[p * channels + (channels > 1 ? c : 0)];
  return pixels;
}

function fromKernel(model, channels, done, fail) {
  let asked = null;
  const listen = (message, buffers) => {
    if (message.kind === "error") fail(message.text);
    if (message.kind !== "images" || message.number !== asked) return;
    done(message.number, buffers.map((buffer, i) => colourful(buffer, channels(i))), message.ms);
  };
  model.on("msg:custom", listen);
  return {
    send: (number, { message }) => model.send({ kind: "decode", number: (asked = number), wish: message }),
    close: () => model.off("msg:custom", listen),
  };
}

// One frame at a time: while it is decoded, only the newest wish waits. Views of one
// model hear each other's images: each counts from somewhere else.
export function makeFrames(root, connect, draw) {
  const status = make("span", { class: "vx-words", role: "alert" });
  let count = Math.floor(Math.random() * 1e9), busy = 0, sent = 0, waiting = null, wanted = null, latest = "";
  const way = connect(done, (words) => ((busy = 0), (latest = ""), (status.textContent = words)));
  function send(wish) {
    (busy = ++count), (wanted = wish), (sent = performance.now()), (waiting = null);
    root.setAttribute("aria-busy", true);
    way.send(busy, wish);
  }
  function done(number, images, ms) {
    if (number !== busy) return;
    busy = 0;
    status.textContent = "";
    draw(images, wanted.message);
    Object.assign(root.dataset, { frame: number, ms: ms.toFixed(2), lag: (performance.now() - wanted.time).toFixed(2) });
    root.setAttribute("aria-busy", Boolean(waiting));
    if (waiting) send(waiting);
  }
  return {
    status,
    // `jobs()` are [[network, code], …]; nothing is done where the frame is there.
    ask(message, jobs) {
      const words = JSON.stringify(message), time = performance.now();
      if (words === latest) return;
      latest = words;
      const wish = { message, jobs: jobs(), time };
      if (busy && time - sent < 5000) waiting = wish;
      else send(wish);
    },
    busy: () => Boolean(busy),
    close: () => way.close(),
  };
}

/**
 * Return what `makeFrames` takes to connect: to the kernel where there is a model, else
 * to the page's own decoders. Image i of a frame has the shape `imageOf(i)`, that of the state without it.
 */
export function decoderOf(model, { networks, image }, imageOf = undefined) {
  return (done, fail) => (model ? fromKernel(model, (i) => (imageOf?.(i) ?? image)[2], done, fail) : inBrowser(networks, done));
}
