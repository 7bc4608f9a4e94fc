cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Maximum(Propagator):
    cdef public tuple xs
    cdef public Py_ssize_t z
    @cython.locals(lo=list, hi=list, z=Py_ssize_t, x=Py_ssize_t, xs=tuple, reach=list)
    cpdef propagate(self, Store store)

cdef class Minimum(Propagator):
    cdef public tuple xs
    cdef public Py_ssize_t z
    @cython.locals(lo=list, hi=list, z=Py_ssize_t, x=Py_ssize_t, xs=tuple, reach=list)
    cpdef propagate(self, Store store)
