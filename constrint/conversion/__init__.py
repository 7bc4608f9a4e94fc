"""Problems in other languages: MiniZinc, FlatZinc, and the text language of the original ConstrINT."""
