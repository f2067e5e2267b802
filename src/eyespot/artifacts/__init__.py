"""Files that are whole or absent, the sidecars that say where they come from, and stored measurements."""
