cimport cython
from constrint.engine.propagators.relation cimport Pruning
from constrint.engine.store cimport Store

cdef class Entry(Pruning):
    cdef public tuple items
    cdef public Py_ssize_t z, row, column, width, height
    @cython.locals(lo=list, hi=list, z=Py_ssize_t, row=Py_ssize_t, column=Py_ssize_t, item=Py_ssize_t)
    cpdef prune(self, Store store)

cdef class ArgMax(Pruning):
    cdef public tuple items
    cdef public Py_ssize_t z
    @cython.locals(lo=list, hi=list, z=Py_ssize_t, k=Py_ssize_t, j=Py_ssize_t, item=Py_ssize_t)
    cpdef prune(self, Store store)
