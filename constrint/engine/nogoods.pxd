cimport cython
from constrint.engine.propagator cimport Propagator
from constrint.engine.store cimport Store
from constrint.engine.decisions cimport fails, holds, refuse

cdef class Nogoods(Propagator):
    cdef public tuple path, refuted
    @cython.locals(length=Py_ssize_t)
    cpdef propagate(self, Store store)
    @cython.locals(path=tuple, k=Py_ssize_t, refuted=tuple, decision=tuple, pending=tuple)
    cpdef _walk(self, Store store)
