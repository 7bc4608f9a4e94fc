cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Product(Propagator):
    cdef public tuple xs
    cdef public Py_ssize_t z
    @cython.locals(lo=list, x=Py_ssize_t)
    cpdef propagate(self, Store store)
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, y=Py_ssize_t, z=Py_ssize_t)
    cpdef _natural_bounds(self, Store store)
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, z=Py_ssize_t, k=Py_ssize_t)
    cpdef _signed_bounds(self, Store store)
    cpdef _divide(self, Store store, tuple others, Py_ssize_t x)
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, z=Py_ssize_t, free=list)
    cpdef _divisibility(self, Store store)

cpdef tuple times(tuple a, tuple b)
