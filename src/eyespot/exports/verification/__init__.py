"""Golden vectors, and the programs and ports that are checked against them."""
