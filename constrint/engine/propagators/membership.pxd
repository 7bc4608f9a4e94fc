from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class AtMost(Propagator):
    cdef public Py_ssize_t x, truth
    cdef public object bound
    cpdef propagate(self, Store store)

cdef class Equals(Propagator):
    cdef public Py_ssize_t x, truth
    cdef public object value
    cpdef propagate(self, Store store)
