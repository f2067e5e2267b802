"""Accuracy and predictions of a file, in isolated workers."""
