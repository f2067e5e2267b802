// How a picture becomes a tensor: the same bytes as eyespot.preprocessing makes of it, mistakes included.
// An image is {width, height, channels, stride, data}: `channels` of each pixel's `stride` bytes are used.

const PRECISION = 22; // bits of a weight's fraction: Pillow's, for 8-bit images
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const cubic = (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);
const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** What the network sees of a picture (pixels) and what its input tensor stores of them; `shape` is [1, h, w, c]. */
export function encode(picture, pipeline, { shape, dtype }) {
  const [, height, width, channels] = shape;
  const { data } = fitted(picture, pipeline, height, width, channels);
  const { levels } = pipeline;
  const stored = dtype === "float32" ? new Float32Array(data.length) : new Uint8Array(data.length);
  if (Array.isArray(levels[0])) for (let i = 0; i < data.length; i++) stored[i] = levels[data[i]][i % channels];
  else for (let i = 0; i < data.length; i++) stored[i] = levels[data[i]];
  return { pixels: data, stored };
}

/** What the network sees; of large pictures, resizing takes the time, so that each picture keeps what was resized. */
function fitted(picture, pipeline, height, width, channels) {
  const { fit: way, crop, filter, damage, order } = pipeline;
  const kept = picture.kept ??= new Map();
  const key = JSON.stringify([height, width, way, crop, filter, ...(channels === 1 ? [damage, order] : [])]);
  if (!kept.has(key)) kept.set(key, fit(channels === 1 ? coloured(picture, pipeline, 1) : picture, pipeline, height, width));
  return channels === 1 ? kept.get(key) : coloured(kept.get(key), pipeline, channels);
}

/** The {left, top, width, height} of the part of a picture that is used, in whole pixels. */
export function used({ width, height }, { fit: way, crop }) {
  if (way !== "crop") return { left: 0, top: 0, width, height };
  const side = Math.max(1, roundHalfEven(Math.min(width, height) * crop));
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), width: side, height: side };
}

function roundHalfEven(x) {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2) : Math.round(x);
}

function coloured(image, { damage, order }, channels) {
  const swap = order === "bgr";
  const all = damage === "rgb565-swapped" ? swappedRgb565(image) : image;
  return channels === 3 && order !== "gray" ? packed(all, swap) : luma(all, channels, swap);
}

const blank = (width, height, channels) =>
  ({ width, height, channels, stride: channels, data: new Uint8Array(width * height * channels) });

/** Three bytes for each pixel, red and blue swapped or not. */
function packed({ width, height, stride, data }, swap) {
  const made = blank(width, height, 3), [first, last] = swap ? [2, 0] : [0, 2];
  for (let from = 0, to = 0; to < made.data.length; from += stride, to += 3) {
    made.data[to] = data[from + first];
    made.data[to + 1] = data[from + 1];
    made.data[to + 2] = data[from + last];
  }
  return made;
}

/** Gray, as Pillow weighs the colours, in every channel. */
function luma({ width, height, stride, data }, channels, swap) {
  const made = blank(width, height, channels), [red, blue] = swap ? [7471, 19595] : [19595, 7471];
  for (let from = 0, to = 0; to < made.data.length; from += stride) {
    const gray = (data[from] * red + data[from + 1] * 38470 + data[from + 2] * blue + 0x8000) >> 16;
    for (let c = 0; c < channels; c++) made.data[to++] = gray;
  }
  return made;
}

/** RGB565 of which the two bytes of each pixel are swapped. */
function swappedRgb565({ width, height, stride, data }) {
  const made = blank(width, height, 3);
  for (let from = 0, to = 0; to < made.data.length; from += stride, to += 3) {
    const word = ((data[from] >> 3) << 11) | ((data[from + 1] >> 2) << 5) | (data[from + 2] >> 3);
    const red = (word >> 3) & 31, green = ((word & 7) << 3) | (word >> 13), blue = (word >> 8) & 31;
    made.data[to] = (red << 3) | (red >> 2);
    made.data[to + 1] = (green << 2) | (green >> 4);
    made.data[to + 2] = (blue << 3) | (blue >> 2);
  }
  return made;
}

function fit(image, pipeline, height, width) {
  const box = used(image, pipeline);
  if (pipeline.filter === "nearest" || (box.width === width && box.height === height)) {
    return picked(image, places(box.left, box.width, width), places(box.top, box.height, height));
  }
  const { support, weight } = FILTERS[pipeline.filter];
  const across = weights(image.width, box.left, box.width, width, support, weight);
  const down = weights(image.height, box.top, box.height, height, support, weight);
  if (verticalFirst(image, width, height)) return resampledRows(resampledColumns(image, down, 0), across, 0, height);
  const first = down[0].start, last = down.at(-1);
  return resampledColumns(resampledRows(image, across, first, last.start + last.weights.length), down, first);
}

/** Whether Pillow (from 13 on) resizes a picture along its height first, which rounds differently. */
const verticalFirst = (image, width, height) =>
  height < image.height && image.height - height > 2 * (image.width - width);

/** Where each output pixel of the nearest filter comes from; the position is summed up, as Pillow does. */
function places(start, length, size) {
  const step = length / size, found = [];
  for (let i = 0, at = start + step * 0.5; i < size; i++, at += step) found.push(Math.floor(at));
  return found;
}

function picked(image, columns, rows) {
  const made = blank(columns.length, rows.length, image.channels);
  let to = 0;
  for (const row of rows) for (const column of columns) {
    const from = (row * image.width + column) * image.stride;
    for (let c = 0; c < image.channels; c++) made.data[to++] = image.data[from + c];
  }
  return made;
}

/** For each output pixel the first input pixel and the weights, in fixed point. */
function weights(size, start, length, outputs, support, weight) {
  const scale = length / outputs, stretch = Math.max(scale, 1), reach = support * stretch, found = [];
  for (let i = 0; i < outputs; i++) {
    const centre = start + (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - reach + 0.5)), high = Math.min(size, Math.trunc(centre + reach + 0.5));
    const real = Array.from({ length: high - low }, (_, j) => weight((j + low - centre + 0.5) * (1 / stretch)));
    const sum = real.reduce((total, each) => total + each, 0);
    const fixed = real.map((each) => (sum ? each / sum : each) * (1 << PRECISION));
    found.push({ start: low, weights: Float64Array.from(fixed, (each) => Math.trunc(each + (each < 0 ? -0.5 : 0.5))) });
  }
  return found;
}

const clipped = (sum) => Math.min(255, Math.max(0, sum >> PRECISION));
const HALF = 1 << (PRECISION - 1);

function resampledRows(image, across, first, last) {
  const made = blank(across.length, last - first, image.channels);
  let to = 0;
  for (let row = first; row < last; row++) for (const { start, weights: all } of across) {
    to = weighed(image, (row * image.width + start) * image.stride, image.stride, all, made.data, to);
  }
  return made;
}

function resampledColumns(image, down, first) {
  const { width, stride } = image, row = width * stride, made = blank(width, down.length, image.channels);
  let to = 0;
  for (const { start, weights: all } of down) for (let column = 0; column < row; column += stride) {
    to = weighed(image, (start - first) * row + column, row, all, made.data, to);
  }
  return made;
}

/** Write the weighed sum of pixels, `step` bytes apart, and return the place behind it. */
function weighed({ data, channels }, from, step, all, made, to) {
  if (channels === 1) {
    let sum = HALF;
    for (let i = 0; i < all.length; i++, from += step) sum += data[from] * all[i];
    made[to] = clipped(sum);
    return to + 1;
  }
  let [red, green, blue] = [HALF, HALF, HALF];
  for (let i = 0; i < all.length; i++, from += step) {
    const weight = all[i];
    red += data[from] * weight;
    green += data[from + 1] * weight;
    blue += data[from + 2] * weight;
  }
  made[to] = clipped(red);
  made[to + 1] = clipped(green);
  made[to + 2] = clipped(blue);
  return to + 3;
}
