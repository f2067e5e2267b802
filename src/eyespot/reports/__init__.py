"""Views: they format what was measured, and measure nothing."""
