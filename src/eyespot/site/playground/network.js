// LiteRT.js, checked against its digests, and a model in it.

const here = new URL(".", import.meta.url);
let runtime; // one for all models of a page

async function fetched(place, integrity) {
  let response;
  try {
    response = await fetch(new URL(place, here), integrity ? { integrity } : {});
  } catch {
    throw new Error(`${place} did not load, or is not the file that eyespot expects. Check the connection.`);
  }
  if (!response.ok) throw new Error(`${place} did not load (${response.status}).`);
  return response;
}

const json = async (place) => (await fetched(place)).json();

function script(text) {
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}

function replaced(text, old, by) {
  if (!text.includes(old)) throw new Error(`LiteRT.js has no ${old}.`);
  return text.replaceAll(old, by);
}

/** LiteRT.js on one thread. It comes by fetch, which checks its digests, and runs from memory. */
async function start() {
  const files = await json("runtime.json");
  const load = (name) => fetched(files[name].url, files[name].integrity);
  const text = async (name) => (await load(name)).text();
  const utilities = JSON.stringify(script(await text("utilities")));
  const linked = replaced(await text("core"), '"@litertjs/wasm-utils"', utilities);
  const core = await import(script(replaced(linked, "Environment.create()", "Environment.create({webGpuDevice: null})")));
  const kind = (await core.supportsFeature("relaxedSimd")) ? "relaxed" : "compatible";
  const [loader, binary] = await Promise.all([text(`${kind}.js`), load(`${kind}.wasm`)]);
  self.Module = { wasmBinary: await binary.arrayBuffer(), print() {}, printErr() {} }; // which the loader looks for
  await core.loadLiteRt(`${script(loader)}#.js`);
  return core;
}

export const readContract = (model) => json(`models/${model}/contract.json`);

/** A function from what the input tensor stores to {scores, ms}. */
export async function open(model, { input }) {
  runtime ??= start();
  runtime.catch(() => { runtime = undefined; }); // so that another attempt starts anew
  const [core, file] = await Promise.all([runtime, fetched(`models/${model}/model`)]);
  const unpacked = new Response(file.body.pipeThrough(new DecompressionStream("gzip")));
  const compiled = await core.loadAndCompile(new Uint8Array(await unpacked.arrayBuffer()), { accelerator: "wasm" });
  const run = async (stored) => {
    const tensor = new core.Tensor(stored, input.shape);
    const began = performance.now();
    const outputs = await compiled.run([tensor]);
    const ms = performance.now() - began;
    const scores = outputs[0].toTypedArray();
    for (const each of [tensor, ...outputs]) each.delete();
    return { scores, ms };
  };
  await run(input.dtype === "float32" ? new Float32Array(size(input)) : new Uint8Array(size(input))); // the first is slow
  return run;
}

const size = ({ shape }) => shape.reduce((product, each) => product * each, 1);

/** Probabilities of scores: a softmax of logits, and at the contract's temperature if it has one. */
export function probabilities(scores, { logits, confidence, floor }) {
  if (!logits && !confidence) return scores;
  const logs = Array.from(scores, (each) => (logits ? each : Math.log(Math.max(each, floor))));
  const highest = logs.reduce((high, each) => Math.max(high, each), -Infinity);
  const powers = logs.map((each) => Math.exp((each - highest) / (confidence?.temperature ?? 1)));
  const sum = powers.reduce((total, each) => total + each, 0);
  return Float32Array.from(powers, (each) => each / sum);
}

/** The indices of the `count` largest; of equal ones the first comes first. */
export function largest(shares, count) {
  return Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a] || a - b).slice(0, count);
}
