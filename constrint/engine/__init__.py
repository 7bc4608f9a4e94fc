"""The engine: domains with a trail, propagators, and search, over plain integers and flat arrays."""
