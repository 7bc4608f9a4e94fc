cpdef list components(list graph)
