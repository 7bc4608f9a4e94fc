"""All solutions as a multi-valued decision diagram: built layer by layer, counted, ranked and listed."""
