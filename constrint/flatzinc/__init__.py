"""FlatZinc, the language that MiniZinc compiles to: reading, solving and writing it."""
