cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class LinearEq(Propagator):
    cdef public tuple terms
    cdef public object value
    cdef public Py_ssize_t truth
    cpdef propagate(self, Store store)

cdef class LinearLe(Propagator):
    cdef public tuple terms
    cdef public object bound
    cdef public Py_ssize_t truth
    cpdef propagate(self, Store store)

@cython.locals(lo=list, hi=list, x=Py_ssize_t)
cpdef tuple extent(Store store, terms)
@cython.locals(lo=list, hi=list, x=Py_ssize_t)
cpdef at_most(Store store, terms, bound)
@cython.locals(lo=list, hi=list, x=Py_ssize_t, free=Py_ssize_t, length=Py_ssize_t)
cpdef equal(Store store, terms, value)
@cython.locals(x=Py_ssize_t)
cpdef _pass_congruences(Store store, terms, value)
