cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class DifferentValues(Propagator):
    cdef public tuple xs, offsets
    @cython.locals(lo=list, hi=list, x=Py_ssize_t, k=Py_ssize_t, j=Py_ssize_t)
    cpdef propagate(self, Store store)

cdef class Numbers:
    cdef public object first
    cdef public list listed
    cdef public dict places
    cpdef bit_of(self, number)
    cpdef of_bit(self, bit)

cdef class DifferentMatching(Propagator):
    cdef public tuple xs, offsets
    cdef public dict last
    @cython.locals(lo=list, hi=list, xs=tuple, offsets=tuple, last=dict, x=Py_ssize_t, k=Py_ssize_t, numbers=Numbers, domains=list, open_domains=list, wishes=list, match=list, useful=list)
    cpdef propagate(self, Store store)
    @cython.locals(k=Py_ssize_t)
    cpdef Numbers _numbers(self, Store store, list free)
    @cython.locals(x=Py_ssize_t, values=tuple)
    cpdef _domain(self, Store store, Py_ssize_t k, Numbers numbers)

@cython.locals(owner=dict, match=list, k=Py_ssize_t)
cpdef list maximum_matching(list domains, list wishes)
@cython.locals(origin=dict, j=Py_ssize_t, frontier=list)
cpdef _augment(Py_ssize_t k, list domains, list match, dict owner, used)
@cython.locals(tight=list, rest=list, k=Py_ssize_t, steps=dict, component=dict, useful=list)
cpdef list in_maximum_matchings(list domains, list match)
@cython.locals(component=dict, path=list, ahead=list)
cpdef dict _components(dict steps)
