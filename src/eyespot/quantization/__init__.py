"""From float32 to int8: ranges of the activations, the quantizer, bias correction."""
