cimport cython
from constrint.engine.propagators.relation cimport Pruning
from constrint.engine.store cimport Store

cdef class TimeTable(Pruning):
    cdef public tuple starts, durations, demands
    cdef public Py_ssize_t capacity
    @cython.locals(lo=list, hi=list, s=Py_ssize_t, d=Py_ssize_t, h=Py_ssize_t, profile=list)
    cpdef prune(self, Store store)
    @cython.locals(lo=list, hi=list, s=Py_ssize_t, d=Py_ssize_t, h=Py_ssize_t, changes=dict)
    cpdef list _profile(self, Store store)

cdef class Energy(Pruning):
    cdef public tuple starts, durations, demands
    cdef public Py_ssize_t capacity
    @cython.locals(lo=list, hi=list, s=Py_ssize_t, d=Py_ssize_t, h=Py_ssize_t, tasks=list)
    cpdef prune(self, Store store)

cdef class Disjunctive(Pruning):
    cdef public tuple starts, durations, presents
    @cython.locals(lo=list, hi=list, s=Py_ssize_t, d=Py_ssize_t, p=Py_ssize_t)
    cpdef prune(self, Store store)

cdef class Rectangles(Pruning):
    cdef public tuple boxes
    cpdef prune(self, Store store)

cpdef _balance(Store store, list tasks, begin, end, capacity)
@cython.locals(j=Py_ssize_t, k=Py_ssize_t, position=Py_ssize_t, result=list, order=list)
cpdef list _earliest(Store store, list tasks)
@cython.locals(j=Py_ssize_t)
cpdef _completion(list tasks, list chosen)
@cython.locals(lo=list, hi=list)
cpdef _separate(Store store, tuple one, tuple other)
