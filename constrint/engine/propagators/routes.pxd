cimport cython
from constrint.engine.propagators.relation cimport Pruning
from constrint.engine.store cimport Store

from constrint.engine.graphs cimport components

cdef class Round(Pruning):
    cdef public bint partial
    @cython.locals(k=Py_ssize_t, x=Py_ssize_t, xs=tuple)
    cpdef prune(self, Store store)
    @cython.locals(k=Py_ssize_t, xs=tuple, lo=list, following=dict, entered=set, inside=Py_ssize_t)
    cpdef _keep_open(self, Store store)
    @cython.locals(k=Py_ssize_t, x=Py_ssize_t, xs=tuple, graph=list, component=list)
    cpdef _connect(self, Store store)

cdef class Inverse(Pruning):
    cdef public tuple f, g
    @cython.locals(i=Py_ssize_t, x=Py_ssize_t)
    cpdef prune(self, Store store)
