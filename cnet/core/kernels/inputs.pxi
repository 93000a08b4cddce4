# Inputs as they come (bytes or floats): counting, listing and widening them.

ctypedef fused source:
    uint8_t
    float
    double

ctypedef fused float_source:
    float
    double

ctypedef fused float_entry:
    Nonzero32
    Nonzero64


cdef inline int64_t count_nonzero_as(Py_ssize_t n, const source* x, double largest) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t count = 0
    cdef int64_t too_large = 0
    cdef int64_t not_finite = 0
    cdef double magnitude
    if source is uint8_t:
        for i in range(n):
            count += x[i] != 0
        return count
    else:
        for i in range(n):
            magnitude = x[i] if x[i] > 0 else -x[i]
            count += x[i] != 0
            # Written so that a NaN fails the comparison too.
            not_finite += not (magnitude <= DBL_MAX)
            too_large += magnitude > largest
        if not_finite:
            return -1
        return -2 if too_large else count


cdef int64_t count_nonzero32(int kind, Py_ssize_t n, const void* x) noexcept nogil:
    if kind == CNET_UINT8:
        return count_nonzero_as(n, <const uint8_t*>x, 0)
    if kind == CNET_FLOAT32:
        return count_nonzero_as(n, <const float*>x, DBL_MAX)
    return count_nonzero_as(n, <const double*>x, FLOAT_LARGEST)


cdef int64_t count_nonzero64(int kind, Py_ssize_t n, const void* x) noexcept nogil:
    if kind == CNET_UINT8:
        return count_nonzero_as(n, <const uint8_t*>x, 0)
    if kind == CNET_FLOAT32:
        return count_nonzero_as(n, <const float*>x, DBL_MAX)
    return count_nonzero_as(n, <const double*>x, DBL_MAX)


cdef inline int64_t find_nonzero_pixels(Py_ssize_t n, const uint8_t* x, uint32_t* out) noexcept nogil:
    """Most bytes are zero: look at eight together first."""
    cdef Py_ssize_t i = 0, j
    cdef int64_t count = 0
    cdef uint64_t eight
    while i < n:
        if i + 8 <= n:
            memcpy(&eight, x + i, 8)
            if eight == 0:
                i += 8
                continue
        for j in range(i, i + 8 if i + 8 <= n else n):
            # Written always, kept when not zero: no branch to mispredict.
            # (The place after the last entry is only written while columns remain.)
            out[count] = cnet_pixel_word(<float>x[j], <uint32_t>j)
            count += x[j] != 0
        i += 8
    return count


cdef inline int64_t find_nonzero_floats(Py_ssize_t n, const float_source* x, float_entry* out) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t count = 0
    for i in range(n):
        out[count].index = <uint32_t>i
        if float_entry is Nonzero32:
            out[count].value = <float>x[i]
        else:
            out[count].value = x[i]
        count += x[i] != 0
    return count


cdef int64_t find_nonzero32(int kind, Py_ssize_t n, const void* x, void* out) noexcept nogil:
    if kind == CNET_UINT8:
        return find_nonzero_pixels(n, <const uint8_t*>x, <uint32_t*>out)
    if kind == CNET_FLOAT32:
        return find_nonzero_floats(n, <const float*>x, <Nonzero32*>out)
    return find_nonzero_floats(n, <const double*>x, <Nonzero32*>out)


cdef int64_t find_nonzero64(int kind, Py_ssize_t n, const void* x, void* out) noexcept nogil:
    if kind == CNET_UINT8:
        return find_nonzero_pixels(n, <const uint8_t*>x, <uint32_t*>out)
    if kind == CNET_FLOAT32:
        return find_nonzero_floats(n, <const float*>x, <Nonzero64*>out)
    return find_nonzero_floats(n, <const double*>x, <Nonzero64*>out)


cdef inline void widen_as(Py_ssize_t n, const source* x, real* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if source is uint8_t:
            out[i] = <real>x[i] / <real>255
        else:
            out[i] = <real>x[i]


cdef inline void widen(int kind, Py_ssize_t n, const void* x, real* out) noexcept nogil:
    """One row of inputs as the network's element type; a pixel is value/255."""
    if kind == CNET_UINT8:
        widen_as(n, <const uint8_t*>x, out)
    elif kind == CNET_FLOAT32:
        widen_as(n, <const float*>x, out)
    else:
        widen_as(n, <const double*>x, out)
