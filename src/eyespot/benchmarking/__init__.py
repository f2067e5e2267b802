"""Latency of a file, on this machine, on a board over SSH, or as a microcontroller prints it."""
