"""How an image becomes a tensor, for everybody."""
