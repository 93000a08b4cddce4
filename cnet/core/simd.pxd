# cython: language_level=3
"""simd.h for Cython."""
from libc.stdint cimport uint8_t, uint64_t

cdef extern from "simd.h" namespace "CNET_ISA" nogil:
    int BLOCK_VECTORS
    int SPARSE_VECTORS

    cdef cppclass vec[T]:
        vec() noexcept
        vec[T] operator+(vec[T]) noexcept
        vec[T] operator-(vec[T]) noexcept
        vec[T] operator*(vec[T]) noexcept
        vec[T] operator/(vec[T]) noexcept

    vec[T] vset[T](T) noexcept
    vec[T] vload[T](const T*) noexcept
    void vstore[T](T*, vec[T]) noexcept
    vec[T] vfma[T](vec[T], vec[T], vec[T]) noexcept
    vec[T] vselect_less[T](vec[T], vec[T], vec[T], vec[T]) noexcept
    vec[T] vpow2[T](vec[T]) noexcept
    T vsum[T](vec[T]) noexcept
    T vmax[T](vec[T]) noexcept

    int count_trailing_zeros(uint64_t) noexcept
    void prefetch(const void*) noexcept
    uint64_t nonzero_bytes(const uint8_t*) noexcept
    uint64_t nonzero_lanes(vec[float]) noexcept
    uint64_t nonzero_lanes(vec[double]) noexcept
