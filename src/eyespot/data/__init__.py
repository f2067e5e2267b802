"""Data sets: the layouts and readers, splits, archives and digests."""
