"""Classify images: python classify.py IMAGE... (needs numpy, Pillow and a LiteRT runtime, nothing else)."""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter

HERE = Path(__file__).resolve().parent
CONTRACT = json.loads((HERE / "contract.json").read_text("utf-8"))
LABELS = (HERE / "labels.txt").read_text("utf-8").splitlines()


def opaque(image):
    """Without transparency, on white; 16-bit gray as 8-bit."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray((np.asarray(image, np.float64) / 257).round().clip(0, 255).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image


def pixels(path, spec=CONTRACT["preprocessing"]):
    """An image file as the model takes it, (height, width, channels) uint8: upright, cropped, resized."""
    with Image.open(path) as opened:
        image = opaque(ImageOps.exif_transpose(opened)).convert("L" if spec["order"] == "gray" else "RGB")
    side = max(1, round(min(image.size) * (spec["crop"] or 1)))
    left, top = ((length - side) // 2 for length in image.size)
    box = (left, top, left + side, top + side) if spec["crop"] else None
    size, method = (spec["width"], spec["height"]), Image.Resampling[spec["resize"].upper()]
    resized = np.asarray(image.resize(size, method, box)).reshape(*size[::-1], -1)
    return resized[..., ::-1] if spec["order"] == "bgr" else resized


def calibrated(shares, confidence=CONTRACT["confidence"]):
    """Probabilities at the model's temperature, if it has one."""
    if confidence is None:
        return shares
    logits = np.log(np.maximum(shares.astype(np.float64), CONTRACT["floor"])) / confidence["temperature"]
    powers = np.exp(logits - logits.max())
    return (powers / powers.sum()).astype(np.float32)


def main(paths, min_confidence):
    """Print each image's most probable class, or "none of these" if its probability is too low."""
    model = Interpreter(str(HERE / CONTRACT["file"]))
    model.allocate_tensors()
    source, result = model.get_input_details()[0], model.get_output_details()[0]
    levels = np.array(CONTRACT["levels"], source["dtype"]).reshape(256, -1)  # of pixel values, per channel
    scale, zero = result["quantization"]
    for path in paths:
        image = pixels(path)
        model.set_tensor(source["index"], levels[image, np.arange(image.shape[2]) % levels.shape[1]][None])
        model.invoke()
        scores = model.get_tensor(result["index"]).reshape(-1)
        shares = calibrated((scores.astype(np.float32) - zero) * scale if scale else scores)
        answer = f"{LABELS[shares.argmax()]} {100 * shares.max():.1f} %"
        print(f"{path}: {answer if shares.max() >= np.float32(min_confidence) else f'none of these ({answer})'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Classify images.")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--min-confidence", type=float, default=CONTRACT["min_confidence"], help="%(default)s")
    arguments = parser.parse_args()
    main(arguments.images, arguments.min_confidence)
