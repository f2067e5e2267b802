// Where pictures come from: files, samples and the camera, as {width, height, channels, stride, data} of RGBA bytes.

const MAX_BYTES = 200_000_000;
const MAX_PIXELS = 65_000_000; // as many as eyespot predict reads
const MAX_SIDE = 32_767; // of a canvas

/** Read a picture file upright (EXIF), without colour management, transparency on white. An Error says what is wrong. */
export async function decode(blob, name) {
  if (blob.size > MAX_BYTES) throw new Error(`${name}: a file of at most ${MAX_BYTES / 1e6} MB is read.`);
  const { width, height } = await measured(blob, name); // before its pixels take memory
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
    throw new Error(`${name}: ${width} × ${height} pixels; at most ${MAX_PIXELS / 1e6} million are read. Make it smaller.`);
  }
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }).catch(() => { throw unreadable(name); });
  try {
    return drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

const unreadable = (name) => new Error(`${name}: does not decode as a picture; use PNG, JPEG, WebP, GIF or BMP.`);

async function measured(blob, name) {
  const image = new Image(), url = URL.createObjectURL(blob);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(unreadable(name));
      image.src = url;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(url);
  }
}

function drawn(source, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  return { width, height, channels: 3, stride: 4, data: context.getImageData(0, 0, width, height).data, source: canvas };
}

const REFUSED = {
  NotAllowedError: "The camera was refused. Allow it beside the address of this page, and try again.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is in use by another program.",
};

/** Open the camera: {frame, stop}; `frame` gives a picture. An Error says why there is none. */
export async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers give the camera to pages of https and of localhost only. Open this page there.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 640 } } });
  } catch (error) {
    throw new Error(REFUSED[error.name] ?? `The camera does not start: ${error.message}`);
  }
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  return {
    frame: () => drawn(video, video.videoWidth, video.videoHeight),
    stop: () => stream.getTracks().forEach((track) => track.stop()),
  };
}
