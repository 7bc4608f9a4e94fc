"""From expressions to a program: integer variables in a store, and propagators over them."""

from constrint.lowering.constraints import Lowering

__all__ = ["Lowering"]
