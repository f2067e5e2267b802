"""PyTorch networks and published files to clean float32 .tflite files."""
