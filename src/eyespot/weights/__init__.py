"""Where weights come from, and importers that load them into networks."""
