"""Classify images, folders of them or a camera's frames; needs numpy, Pillow and a LiteRT runtime, nothing else."""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

try:
    from ai_edge_litert.interpreter import Interpreter, load_delegate
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter, load_delegate

CONTRACT = json.loads(Path(__file__).with_name("contract.json").read_text("utf-8"))
SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def opaque(image):
    """Without transparency, on white; 16-bit gray as 8-bit."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray((np.asarray(image, np.float64) / 257).round().clip(0, 255).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image


def pixels(image, spec=CONTRACT["preprocessing"]):
    """An image as the model takes it, (height, width, channels) uint8: upright, cropped, resized."""
    image = opaque(ImageOps.exif_transpose(image)).convert("L" if spec["order"] == "gray" else "RGB")
    side = max(1, round(min(image.size) * (spec["crop"] or 1)))
    left, top = ((length - side) // 2 for length in image.size)
    box = (left, top, left + side, top + side) if spec["crop"] else None
    size, method = (spec["width"], spec["height"]), Image.Resampling[spec["resize"].upper()]
    resized = np.asarray(image.resize(size, method, box)).reshape(*size[::-1], -1)
    return resized[..., ::-1] if spec["order"] == "bgr" else resized


def shares(scores):
    """Probabilities of a model's output: a softmax of logits, and at the model's temperature if it has one."""
    confidence, logits = CONTRACT["confidence"], CONTRACT.get("logits")
    if confidence is None and not logits:
        return scores
    logs = scores.astype(np.float64) if logits else np.log(np.maximum(scores.astype(np.float64), CONTRACT["floor"]))
    powers = np.exp((logs - logs.max()) / (confidence["temperature"] if confidence else 1))
    return (powers / powers.sum()).astype(np.float32)


def pictures(places, camera):
    """The images of files and folders, or a camera's frames, with their names."""
    if camera:
        import cv2  # OpenCV, which boards have as python3-opencv

        opened = cv2.VideoCapture(int(camera) if camera.isdigit() else camera)
        for number in range(sys.maxsize):
            found, frame = opened.read()
            if not found:
                raise OSError(f"{camera}: the camera gives no frame after {number} of them")
            yield f"frame {number}", Image.fromarray(np.ascontiguousarray(frame[..., ::-1]))  # from BGR
    for place in map(Path, places):
        inside = sorted(each for each in place.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
        for path in inside or [place]:
            try:
                with Image.open(path) as image:
                    image.load()
                    yield str(path), image
            except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # of damaged files
                raise OSError(f"{path}: {error}") from error


def main(arguments):
    """Print a line for each image: its most probable classes, or "none of these" if none is probable enough."""
    start, first, times = time.perf_counter(), [], []
    delegates = [load_delegate(arguments.delegate)] if arguments.delegate else None
    model = Interpreter(str(arguments.model), num_threads=arguments.threads, experimental_delegates=delegates)
    model.allocate_tensors()
    load, source, result = time.perf_counter() - start, model.get_input_details()[0], model.get_output_details()[0]
    levels = np.array(CONTRACT["levels"], source["dtype"]).reshape(256, -1)  # of pixel values, per channel
    scale, zero = result["quantization"]
    for name, image in pictures(arguments.images, arguments.camera):
        found = pixels(image)
        model.set_tensor(source["index"], levels[found, np.arange(found.shape[2]) % levels.shape[1]][None])
        for repeat in range(10 if arguments.time else 1):
            start = time.perf_counter()
            model.invoke()
            (times if first or repeat else first).append(time.perf_counter() - start)
        scores = model.get_tensor(result["index"]).reshape(-1)
        likely = shares((scores.astype(np.float32) - zero) * scale if scale else scores)
        best = [(CONTRACT["classes"][i], float(likely[i])) for i in (-likely).argsort(kind="stable")[: arguments.top]]
        answer = best[0][0] if likely.max() >= np.float32(arguments.min_confidence) else None
        line = ", ".join(f"{label} {100 * share:.1f} %" for label, share in best)
        line = f"{name}: {line if answer else f'none of these ({line})'}"
        print(json.dumps({"source": name, "answer": answer, "classes": best}) if arguments.json else line, flush=True)
    if arguments.time:
        parts = {"load": load, "first": first[0], "median": np.median(times), "slowest": max(times)}
        print(json.dumps({"ms": {each: round(1000 * parts[each], 3) for each in parts}, "n": len(times)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="*", help="image files and folders")
    parser.add_argument("--camera", help="a camera instead, such as /dev/video0; stop with Ctrl-C")
    parser.add_argument("--model", default=Path(__file__).with_name(CONTRACT["file"]), help="the one for an NPU")
    parser.add_argument("--delegate", help="path of an NPU's delegate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--top", type=int, default=1, help="how many classes to show")
    parser.add_argument("--time", action="store_true", help="measure load, first inference and 9 or more others")
    parser.add_argument("--json", action="store_true", help="a JSON document on each line")
    parser.add_argument("--min-confidence", type=float, default=CONTRACT["min_confidence"], help="%(default)s")
    chosen = parser.parse_args()
    if bool(chosen.images) == bool(chosen.camera) or min(chosen.top, chosen.threads) < 1:
        parser.error("expected images or a camera, and 1 or more for --top and --threads")
    sys.unraisablehook = lambda _: None  # LiteRT's own, of a delegate that does not load
    try:
        main(chosen)
    except (ImportError, KeyboardInterrupt, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"classify.py: {' '.join(str(error).split()) or 'stopped'}")
