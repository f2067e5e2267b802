"""Network architectures in PyTorch."""
