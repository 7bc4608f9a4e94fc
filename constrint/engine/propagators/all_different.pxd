cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class DifferentValues(Propagator):
    cdef public tuple xs, offsets
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, k=Py_ssize_t, j=Py_ssize_t)
    cpdef propagate(self, Store store)
