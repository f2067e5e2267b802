"""Architectures in PyTorch. Nothing outside `networks` and `training` imports torch."""
