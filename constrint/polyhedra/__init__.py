"""Z-polyhedra: the integer points of linear equalities, inequalities and congruences, exactly."""
