"""Benchmarks: constrint on the example files, next to OR-Tools CP-SAT on models written by hand."""
