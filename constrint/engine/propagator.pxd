from constrint.engine.store cimport Store

cdef class Propagator:
    cdef public Py_ssize_t number
    cdef public tuple scope, wake_bounds, wake_change, wake_fixed
    cpdef propagate(self, Store store)
