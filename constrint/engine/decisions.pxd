cimport cython
from constrint.engine.store cimport Store

@cython.locals(kind=Py_ssize_t, x=Py_ssize_t)
cpdef take(Store store, tuple decision)
@cython.locals(kind=Py_ssize_t, x=Py_ssize_t)
cpdef refuse(Store store, tuple decision)
@cython.locals(kind=Py_ssize_t, x=Py_ssize_t)
cpdef bint holds(Store store, tuple decision) except -1
@cython.locals(kind=Py_ssize_t, x=Py_ssize_t)
cpdef bint fails(Store store, tuple decision) except -1
