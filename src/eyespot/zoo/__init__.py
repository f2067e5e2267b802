"""The model cards, the registry and the shipped files."""
