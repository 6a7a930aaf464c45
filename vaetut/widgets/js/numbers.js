// @ts-check
// Numbers: rounded and written, unpacked, and on a scale.

// ---- Numbers

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
export const minus = (words) => (/^-0\.?0*$/.test(words) ? words.slice(1) : words.replace("-", "−"));
export const fixed = (x, digits = 2) => minus(x.toFixed(digits));
export const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Numbers that Python's `pack_steps` packed as int16 steps of a span.
export const unpack = ({ span, data }) => Float32Array.from(new Int16Array(bytes(data).buffer), (step) => (step * span) / 32767);

// Rows of numbers that Python's `quantise` packed as uint16 steps from low to high.
export function unquantise({ low, high, data }) {
  const d = low.length;
  return Float32Array.from(new Uint16Array(bytes(data).buffer), (step, i) => low[i % d] + (step / 65535) * (high[i % d] - low[i % d]));
}

// A scale in round steps over all values, from 0 where that is not far below them.
export function makeScale(values, share = 0.75) {
  const high = Math.max(...values, 0), least = Math.min(...values);
  const low = least >= 0 && least <= share * high ? 0 : least;
  const rough = (high - low) / 4 || Math.abs(high) / 4 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((m) => m * power > 0.999 * rough);
  const first = Math.floor(low / step + 1e-6), last = Math.max(first + 1, Math.ceil(high / step - 1e-6));
  const ticks = Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
  const digits = clamp(2 - Math.floor(Math.log10(Math.max(...ticks.map(Math.abs)))), 0, 6);
  return { ticks, bottom: ticks[0], top: ticks.at(-1), digits };
}

// As many decimals as five digits of the largest need, and more until what is shown of
// the terms adds up to what is shown of their sum, the last of the values.
export const digitsOf = (v) => clamp(4 - Math.floor(Math.log10(Math.abs(v) || 1)), 0, 8);
export function summed(values) {
  const first = digitsOf(values.at(-1));
  const addUp = (d) => {
    const units = values.map((v) => Math.round(v * 10 ** d)), total = units.pop();
    return units.reduce((p, q) => p + q) === total;
  };
  const digits = [0, 1, 2, 3].map((more) => first + more).find(addUp) ?? first;
  return values.map((v) => fixed(v, digits));
}
