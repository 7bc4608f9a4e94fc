cimport cython

cdef class Store:
    cdef public object limit, infinity
    cdef public list lo, hi, mod, rem, div, values, mask, propagators, entailed, trail
    cdef public list _on_fixed, _on_bounds, _on_change, _queued, _turns, _last_lattice, _listing
    cdef public tuple _queues
    cdef public Py_ssize_t cause, _ignored, steps, _listings
    cdef public bint searching
    cdef public object clock
    cdef public dict _lattices

    cpdef bint is_fixed(self, Py_ssize_t x)
    cpdef bint is_bounded(self, Py_ssize_t x)
    cpdef size(self, Py_ssize_t x)
    cpdef bint contains(self, Py_ssize_t x, value) except -1
    cpdef members(self, Py_ssize_t x)
    cpdef tuple lattice(self, Py_ssize_t x)
    cpdef bint is_true(self, Py_ssize_t literal)
    cpdef bint is_false(self, Py_ssize_t literal)
    cpdef set_lo(self, Py_ssize_t x, bound)
    cpdef set_hi(self, Py_ssize_t x, bound)
    cpdef fix(self, Py_ssize_t x, value)
    cpdef remove(self, Py_ssize_t x, value)
    @cython.locals(values=tuple)
    cpdef keep(self, Py_ssize_t x, chosen)
    cpdef restrict_congruence(self, Py_ssize_t x, modulus, remainder)
    cpdef restrict_divisor(self, Py_ssize_t x, multiple)
    cpdef entail(self, propagator)
    cpdef _hold_values(self, Py_ssize_t x, tuple values)
    cpdef _set_mask(self, Py_ssize_t x, mask)
    @cython.locals(number=Py_ssize_t)
    cpdef _wake(self, list numbers)
    cpdef propagate(self)
    @cython.locals(x=Py_ssize_t, length=Py_ssize_t)
    cpdef _run(self, Py_ssize_t number)
    cpdef clear_queue(self)
    @cython.locals(kind=Py_ssize_t, x=Py_ssize_t)
    cpdef undo(self, Py_ssize_t length)
