cimport cython
from constrint.engine.propagators.relation cimport Pruning
from constrint.engine.store cimport Store

cdef class Ascending(Pruning):
    cdef public object gap
    @cython.locals(k=Py_ssize_t, xs=tuple)
    cpdef prune(self, Store store)

cdef class Lexicographic(Pruning):
    cdef public tuple a, b
    cdef public bint strict
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, y=Py_ssize_t)
    cpdef prune(self, Store store)
    @cython.locals(x=Py_ssize_t, y=Py_ssize_t)
    cpdef bint _can_follow(self, Store store, Py_ssize_t first) except -1

cdef class Accepted(Pruning):
    cdef public object machine
    @cython.locals(x=Py_ssize_t, k=Py_ssize_t, reached=list, allowed=list)
    cpdef prune(self, Store store)
    @cython.locals(useful=set, outside=bint, before=set)
    cpdef set _keep(self, Store store, Py_ssize_t x, tuple allowed, set sources, set alive)
