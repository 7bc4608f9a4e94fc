from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Disjunction(Propagator):
    cdef public tuple literals
    cdef public Py_ssize_t truth
    cpdef propagate(self, Store store)

cdef class Parity(Propagator):
    cdef public tuple literals
    cpdef propagate(self, Store store)

cdef class Choice(Propagator):
    cdef public Py_ssize_t z, condition, x, y
    cpdef propagate(self, Store store)
