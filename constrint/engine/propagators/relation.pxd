cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Pruning(Propagator):
    cdef public tuple xs
    cdef public object holds
    cpdef propagate(self, Store store)
    cpdef prune(self, Store store)

cdef class RelationTruth(Propagator):
    cdef public tuple xs, parts
    cdef public object holds
    cdef public Py_ssize_t truth
    cpdef propagate(self, Store store)

@cython.locals(lo=list, hi=list, x=Py_ssize_t)
cpdef bint is_settled(Store store, tuple xs) except -1
