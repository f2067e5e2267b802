"""The only place that knows the TensorFlow Lite file format and its interpreters."""
