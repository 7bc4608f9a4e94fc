cimport cython
from constrint.engine.propagators.relation cimport Pruning
from constrint.engine.store cimport Store

cdef class AllEqual(Pruning):
    cpdef prune(self, Store store)

cdef class Occurrences(Pruning):
    cdef public tuple items, counts, values
    cdef public bint closed
    @cython.locals(other=Py_ssize_t, k=Py_ssize_t, item=Py_ssize_t)
    cpdef prune(self, Store store)
    @cython.locals(lo=list, hi=list, k=Py_ssize_t, n=Py_ssize_t, count=Py_ssize_t, possible=list, certain=list)
    cpdef list _bounds(self, Store store, list domains)

@cython.locals(i=Py_ssize_t, k=Py_ssize_t, users=list, load=list)
cpdef list _flow(list domains, list bounds)
@cython.locals(i=Py_ssize_t, k=Py_ssize_t, mover=Py_ssize_t, inside=dict, origin=dict, frontier=list)
cpdef bint _place(Py_ssize_t item, list domains, list bounds, list chosen, list load) except -1
@cython.locals(i=Py_ssize_t, k=Py_ssize_t, source=Py_ssize_t, step=dict, frontier=list)
cpdef bint _attract(Py_ssize_t value, list users, list bounds, list chosen, list load) except -1
@cython.locals(i=Py_ssize_t, k=Py_ssize_t, n=Py_ssize_t, m=Py_ssize_t, load=list, graph=list, component=list)
cpdef list _useless(list domains, list bounds, list chosen)
