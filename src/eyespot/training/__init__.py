"""The training loop. With `networks`, the only place that imports torch."""
