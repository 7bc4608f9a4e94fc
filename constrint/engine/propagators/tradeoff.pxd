cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Tradeoff(Propagator):
    cdef public tuple first, second, bounds, opposed
    cdef public list combined
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, k=Py_ssize_t)
    cpdef propagate(self, Store store)
