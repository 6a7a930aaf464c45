// Decoders on a page, in a worker, or in the kernel. Python's packing.py writes what
// `engine` reads.

// ---- The decoder. A worker gets this function as text: it uses no outer name.

function engine() {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  function halves(text) {
    const words = new Uint16Array(bytes(text).buffer);
    return Float32Array.from(words, (word) => {
      const exponent = (word >> 10) & 31, fraction = word & 1023;
      const size = exponent ? 2 ** (exponent - 25) * (1024 + fraction) : fraction * 2 ** -24;
      return word >> 15 ? -size : size;
    });
  }

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const activations = {
    sigmoid,
    tanh: Math.tanh,
    silu: (x) => x * sigmoid(x),
    softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    elu: (x, slope) => (x > 0 ? x : slope * Math.expm1(x)),
    leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
  };

  function activate({ activation, slope = 0 }, y) {
    if (activation === "linear") return y;
    const f = activations[activation];
    if (f) for (let i = 0; i < y.length; i++) y[i] = f(y[i], slope);
    else for (let i = 0; i < y.length; i++) if (y[i] < 0) y[i] = 0; // relu
    return y;
  }

  // For each input position and kernel tap, the output position it adds to, or -1.
  function targets({ type, size, source, target, strides, cut }) {
    const map = new Int32Array(source[0] * source[1] * size[0] * size[1]);
    const along = (axis, i, k) => {
      const wide = type === "transposed"
        ? i * strides[axis] + k - cut[axis]
        : (i + cut[axis] - k) / strides[axis];
      return Number.isInteger(wide) && wide >= 0 && wide < target[axis] ? wide : -1;
    };
    let n = 0;
    for (let i = 0; i < source[0]; i++)
      for (let j = 0; j < source[1]; j++)
        for (let k = 0; k < size[0]; k++)
          for (let l = 0; l < size[1]; l++) {
            const y = along(0, i, k), x = along(1, j, l);
            map[n++] = y < 0 || x < 0 ? -1 : y * target[1] + x;
          }
    return map;
  }

  // Dense and convolutions alike: the inputs of one position times the whole kernel,
  // (inputs) · (inputs, taps × outputs), in one long inner loop over four inputs that
  // are not zero; then each tap is added where it belongs.
  function linear(operation, kernel, bias) {
    const [inputs, outputs] = operation.channels;
    const positions = operation.source[0] * operation.source[1];
    const taps = operation.size[0] * operation.size[1], row = taps * outputs;
    const map = targets(operation);
    const y = new Float32Array(operation.target[0] * operation.target[1] * outputs);
    const sums = new Float32Array(row);
    const value = new Float32Array(inputs + 3), start = new Int32Array(inputs + 3);
    return (x) => {
      for (let i = 0; i < y.length; i += outputs) y.set(bias, i);
      for (let p = 0; p < positions; p++) {
        let n = 0;
        for (let i = 0; i < inputs; i++) {
          const v = x[p * inputs + i];
          if (v !== 0) (value[n] = v), (start[n++] = i * row);
        }
        if (!n) continue;
        for (; n % 4; n++) (value[n] = 0), (start[n] = 0);
        sums.fill(0);
        for (let k = 0; k < n; k += 4) {
          const a = value[k], b = value[k + 1], c = value[k + 2], d = value[k + 3];
          const q = start[k], r = start[k + 1], s = start[k + 2], t = start[k + 3];
          for (let j = 0; j < row; j++)
            sums[j] += a * kernel[q + j] + b * kernel[r + j] + c * kernel[s + j] + d * kernel[t + j];
        }
        for (let k = 0; k < taps; k++) {
          const to = map[p * taps + k] * outputs, from = k * outputs;
          if (to >= 0) for (let j = 0; j < outputs; j++) y[to + j] += sums[from + j];
        }
      }
      return activate(operation, y);
    };
  }

  function upsampling(operation) {
    const { source, target, size, channels: [c] } = operation;
    const y = new Float32Array(target[0] * target[1] * c);
    return (x) => {
      for (let i = 0, n = 0; i < target[0]; i++)
        for (let j = 0; j < target[1]; j++, n += c) {
          const at = (Math.floor(i / size[0]) * source[1] + Math.floor(j / size[1])) * c;
          for (let k = 0; k < c; k++) y[n + k] = x[at + k];
        }
      return activate(operation, y);
    };
  }

  function scaling(operation, scale, shift) {
    return (x) => activate(operation, x.map((v, i) => v * scale[i % scale.length] + shift[i % scale.length]));
  }

  // Returns code → RGBA bytes.
  function build({ image: [height, width, channels], operations, weights }) {
    const numbers = halves(weights);
    const part = (place) => place && numbers.slice(place[0], place[0] + place[1]);
    const steps = operations.map((operation) => {
      const kernel = part(operation.kernel), bias = part(operation.bias);
      if (operation.type === "upsampling") return upsampling(operation);
      if (operation.type === "scaling") return scaling(operation, kernel, bias);
      if (operation.type === "activation") return (x) => activate(operation, x);
      return linear(operation, kernel, bias);
    });
    return (code) => {
      let x = Float32Array.from(code);
      for (const step of steps) x = step(x);
      const pixels = new Uint8ClampedArray(height * width * 4).fill(255);
      for (let i = 0; i < height * width; i++)
        for (let c = 0; c < 3; c++)
          pixels[4 * i + c] = 255 * sigmoid(x[i * channels + (channels > 1 ? c : 0)]);
      return pixels;
    };
  }

  // Returns jobs [[network, code], …] → [images, milliseconds].
  return (networks) => {
    const decoders = networks.map(build);
    return (jobs) => {
      const start = performance.now();
      const images = jobs.map(([network, code]) => decoders[network](code));
      return [images, performance.now() - start];
    };
  };
}

// ---- Who decodes: each returns {send(number, wish), close()} and calls
// `done(number, images, ms)`. A wish has `jobs` for a page and `message` for the kernel.

function inWorker(networks, done) {
  const source = `const decode = (${engine})()(${JSON.stringify(networks)});
    onmessage = ({ data: [number, jobs] }) => {
      const [images, ms] = decode(jobs);
      postMessage([number, images, ms], images.map((image) => image.buffer));
    };`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  worker.onmessage = ({ data }) => done(...data);
  return {
    worker,
    send: (number, { jobs }) => worker.postMessage([number, jobs]),
    close: () => worker.terminate(),
  };
}

function onPage(networks, done) {
  let decode;
  const send = (number, { jobs }) => setTimeout(() => {
    decode ??= engine()(networks);
    done(number, ...decode(jobs));
  });
  return { send, close() {} };
}

// A worker where the page may start one, else the page itself.
function inBrowser(networks, done) {
  let way, last;
  const fall = () => {
    way = onPage(networks, done);
    if (last) way.send(...last);
  };
  try {
    way = inWorker(networks, done);
    way.worker.onerror = (event) => (event.preventDefault(), fall());
  } catch {
    fall();
  }
  return { send: (...job) => way.send(...(last = job)), close: () => way.close() };
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
function makeFrames(root, connect, draw) {
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

// As `explorer`, but `mount` gets `connect(done, fail)` as well. Image i of a frame has
// the shape `imageOf(state, i)`.
function decodingExplorer(kind, label, names, mount, imageOf = (state) => state.image) {
  const models = new WeakMap();
  const made = explorer(kind, label, names, (root, state, store) => mount(root, state, store, (done, fail) => {
    const model = models.get(root.parentNode);
    return model ? fromKernel(model, (i) => imageOf(state, i)[2], done, fail) : inBrowser(state.networks, done);
  }));
  return { render: (view) => (models.set(view.el, view.model), made.render(view)) };
}
