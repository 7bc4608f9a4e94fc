cimport cython
from constrint.engine.propagators.relation cimport Pruning
from constrint.engine.store cimport Store

cdef class Packing(Pruning):
    cdef public tuple bins, sizes, loads
    cdef public bint exact
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, k=Py_ssize_t, load=Py_ssize_t)
    cpdef prune(self, Store store)
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, candidates=list)
    cpdef _fill(self, Store store, Py_ssize_t k, Py_ssize_t load)
    @cython.locals(lo=list, hi=list, x=Py_ssize_t)
    cpdef _list_sums(self, Store store, Py_ssize_t k, Py_ssize_t load, inside, list candidates)

cdef class SharedPacking(Packing):
    cpdef prune(self, Store store)

cdef class Filling(Pruning):
    cdef public tuple amounts, weights, profits
    cdef public list order
    cdef public Py_ssize_t weight, profit
    cpdef prune(self, Store store)
