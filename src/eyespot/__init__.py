"""eyespot."""
