cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store

cdef class Count(Propagator):
    cdef public tuple items
    cdef public Py_ssize_t z
    cdef public object value
    @cython.locals(z=Py_ssize_t, item=Py_ssize_t, certain=Py_ssize_t, possible=list)
    cpdef propagate(self, Store store)
