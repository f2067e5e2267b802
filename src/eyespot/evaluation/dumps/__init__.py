"""What a pipeline fed to a network: dumps of input tensors, read and explained."""
