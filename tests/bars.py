"""What files may take at most, by model: others' files of the same networks, and the issues."""

# bytes of float32.tflite and int8.tflite
SIZES = {
    "deepface-emotion": (6_000_000, 1_530_000),
    "mobilenet-v1": (1_920_000, 560_504),
    "tiny-resnet": (318_144, 98_496),
    "visual-wake-word": (866_284, 260_000),
    "mobilenet-v2": (14_000_000, 3_800_000),
    "mnasnet": (11_720_000, 3_200_000),
    "efficientnet-lite0": (18_700_000, 5_000_000),
    "efficientnet-lite1": (21_700_000, 5_830_000),
    "efficientnet-lite2": (24_400_000, 6_530_000),
    "resnet8-large": (1_940_000, 500_000),
    "sign-digits": (866_284, 260_000),
}
ARENAS = {"tiny-resnet": 55_984, "visual-wake-word": 103_680}  # bytes on TFLM, MLPerf Tiny's files'
VELA_CYCLES = {"tiny-resnet": 113_373, "visual-wake-word": 246_086}  # likewise
FORBIDDEN = {"PAD", "PADV2", "TRANSPOSE", "QUANTIZE", "DEQUANTIZE", "MEAN", "SHAPE"}
