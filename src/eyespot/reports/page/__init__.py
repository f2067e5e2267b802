"""One HTML page about one model: self-contained, without scripts, and of the same bytes for the same inputs."""
