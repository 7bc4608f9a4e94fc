cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Gcd(Propagator):
    cdef public Py_ssize_t x, y, z
    cpdef propagate(self, Store store)

cdef class Lcm(Propagator):
    cdef public Py_ssize_t x, y, z
    cpdef propagate(self, Store store)

cpdef try_pairs(Store store, Py_ssize_t z, Py_ssize_t x, Py_ssize_t y, function)
