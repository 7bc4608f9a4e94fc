cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Tree:
    cdef public list links, certain, penalties, degrees, neighbours
    cdef public bint complete
    cdef public object cost

    cpdef weight(self, Py_ssize_t i, Py_ssize_t j)
    cpdef _link(self, Py_ssize_t i, Py_ssize_t j, weight)
    @cython.locals(j=Py_ssize_t, chosen=Py_ssize_t, newest=Py_ssize_t, outside=list, ways=list, best=tuple, way=tuple)
    cpdef bint _span(self) except -1
    @cython.locals(j=Py_ssize_t, found=list)
    cpdef bint _add_first(self) except -1
    @cython.locals(j=Py_ssize_t, k=Py_ssize_t, before=Py_ssize_t, found=list, reached=list)
    cpdef list dearest_from(self, Py_ssize_t i)
    cpdef _uncertain(self, Py_ssize_t i, Py_ssize_t j)

cdef class TourCost(Propagator):
    cdef public tuple xs, costs, terms
    cdef public object bound
    cdef public list penalties
    @cython.locals(n=Py_ssize_t, step=Py_ssize_t, y=Py_ssize_t, tree=Tree)
    cpdef propagate(self, Store store)
    @cython.locals(i=Py_ssize_t, j=Py_ssize_t, x=Py_ssize_t, n=Py_ssize_t, links=list, certain=list)
    cpdef tuple _links(self, Store store)
    @cython.locals(i=Py_ssize_t, j=Py_ssize_t, x=Py_ssize_t, dearest=list)
    cpdef _remove_steps(self, Store store, Tree tree, most)
