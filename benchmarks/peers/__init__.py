"""Other solvers on the example files, each by one translation of a `Problem` into its own terms.

A peer is a module with `solve(problem, domains) -> Answer`; it raises Refused for what it cannot take.
All of them are given the bounds that constrint's propagation finds at the root, since some need finite
domains.
"""
