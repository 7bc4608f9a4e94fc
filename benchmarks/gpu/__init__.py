"""The GPU's benchmark: correctness first, then times beside the roofline and other implementations."""
