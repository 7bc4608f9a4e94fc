cimport cython
from constrint.engine.store cimport Store

cdef class Search:
    cdef public Store store
    cdef public list variables, preferred, _weights
    cdef public object others, counters, node_limit, failure_limit, at_restart, goal, _random
    cdef public dict guide, favoured
    cdef public bint finite_only, _varied
    cdef public Py_ssize_t _last_conflict, _unbounded_steps

    @cython.locals(x=Py_ssize_t, store=Store)
    cpdef bint _consistent(self, tuple alternative) except -1
    @cython.locals(x=Py_ssize_t, kind=Py_ssize_t, store=Store)
    cpdef _take(self, tuple alternative)
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, store=Store)
    cpdef list _branch(self)
    @cython.locals(lo=list, hi=list, weights=list, x=Py_ssize_t, best=Py_ssize_t, last=Py_ssize_t, store=Store)
    cpdef Py_ssize_t _choose(self, variables) except -2
    @cython.locals(store=Store)
    cpdef list _by_value(self, Py_ssize_t x)
    @cython.locals(store=Store)
    cpdef list _one_value(self, Py_ssize_t x, value)
