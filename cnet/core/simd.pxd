# cython: language_level=3
"""simd.h for Cython."""
from libc.stdint cimport uint8_t, uint64_t

cdef extern from "simd.h" namespace "CNET_ISA" nogil:
    int BLOCK_VECTORS
    int SPARSE_VECTORS
    int FEW_REGISTERS
    int PAIRED_VECTORS
    int JOINED_VECTORS
    int NARROW_PANELS

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
    vec[T] vsqrt[T](vec[T]) noexcept
    vec[T] vpow2[T](vec[T]) noexcept
    vec[T] vexponent[T](vec[T], vec[T]) noexcept
    T vsum[T](vec[T]) noexcept
    T vmax[T](vec[T]) noexcept

    F apart[F](F) noexcept
    const T* opaque[T](const T*) noexcept
    vec[T] held[T](vec[T]) noexcept
    T local[T](T) noexcept
    int count_trailing_zeros(uint64_t) noexcept
    void clear_lowest(uint64_t*, uint64_t*, Py_ssize_t*) noexcept
    int HAS_BYTE_MASKS
    void transpose_by_bytes(const uint64_t*, uint64_t*) noexcept
    void prefetch(const void*) noexcept
    uint64_t nonzero_bytes(const uint8_t*, uint8_t*) noexcept
    uint64_t nonzero_lanes(vec[float]) noexcept
    uint64_t nonzero_lanes(vec[double]) noexcept

    int HAS_HALF

    cdef cppclass half_vec[T]:
        half_vec() noexcept

    half_vec[float] hlow(vec[float]) noexcept
    half_vec[double] hlow(vec[double]) noexcept
    half_vec[float] hhigh(vec[float]) noexcept
    half_vec[double] hhigh(vec[double]) noexcept
    vec[float] low_and_low(vec[float], vec[float]) noexcept
    vec[double] low_and_low(vec[double], vec[double]) noexcept
    vec[float] twice(half_vec[float]) noexcept
    vec[double] twice(half_vec[double]) noexcept
    half_vec[T] hload[T](const T*) noexcept
    void hstore[T](T*, half_vec[T]) noexcept
    half_vec[float] hfma(half_vec[float], half_vec[float], half_vec[float]) noexcept
    half_vec[double] hfma(half_vec[double], half_vec[double], half_vec[double]) noexcept
    half_vec[T] hat_least[T](half_vec[T], T) noexcept
