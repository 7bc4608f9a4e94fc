cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class DivMod(Propagator):
    cdef public Py_ssize_t a, b, q, r
    @cython.locals(a=Py_ssize_t, b=Py_ssize_t, q=Py_ssize_t, r=Py_ssize_t, lo=list, hi=list)
    cpdef propagate(self, Store store)
    @cython.locals(a=Py_ssize_t, b=Py_ssize_t, q=Py_ssize_t, r=Py_ssize_t, lo=list, hi=list)
    cpdef _bounds(self, Store store, bint flip)

cpdef _at_least(Store store, Py_ssize_t x, bound, bint flip)
cpdef _at_most(Store store, Py_ssize_t x, bound, bint flip)
