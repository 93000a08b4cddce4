# Noise: numbers of a normal distribution that are added to a row's inputs in one mini-batch. The words come from (key of
# the iteration, row, column), as dropout's do, in a stream of their own.
#
# Two words make two numbers [G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", Annals
# of Mathematical Statistics 29, 1958]: a distance, sqrt(-2 log u), in a direction.

cdef extern from *:
    """
    // The last word of the counters; dropout's is the layer.
    #define NOISE_STREAM 32
    static_assert(NOISE_STREAM > CNET_MAX_LAYERS, "noise and dropout never meet");
    #define NOISE_PAIRS (DROPOUT_WORDS / 2)
    static_assert(NOISE_PAIRS % CNET_MAX_LANES == 0, "whole vectors");
    """
    enum:
        NOISE_STREAM
        NOISE_PAIRS


cdef inline void normal_numbers(const uint32_t* words, real* out) noexcept nogil:
    """Of 64 words 64 numbers: the first 32 words are distances, the others directions, as are x and y of the points."""
    cdef Py_ssize_t i, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] r, a, square, s, c
    cdef real u[NOISE_PAIRS]
    cdef real eighth[NOISE_PAIRS]
    cdef int k, degree = 7 if real is float else 13
    for i in range(NOISE_PAIRS):
        # Above 0, at most 1; and an eighth of an angle from -pi up to pi.
        u[i] = (<real><int32_t>(words[i] >> 1) + <real>0.5) * <real>4.656612873077393e-10
        eighth[i] = <real><int32_t>words[NOISE_PAIRS + i] * <real>1.8286475990839495e-10
    i = 0
    while i < NOISE_PAIRS:
        r = vsqrt(vset(<real>-2) * vlog(vload(<const real*>u + i)))
        a = vload(<const real*>eighth + i)
        # Taylor's series, of alternating signs; then twice the angle, three times.
        square = vset(<real>0) - a * a
        s, c = vset(<real>RECIPROCAL_FACTORIAL[degree]), vset(<real>RECIPROCAL_FACTORIAL[degree - 1])
        for k in range(degree - 2, 0, -2):
            s = vfma(s, square, vset(<real>RECIPROCAL_FACTORIAL[k]))
            c = vfma(c, square, vset(<real>RECIPROCAL_FACTORIAL[k - 1]))
        s = s * a
        for k in range(3):
            square = s * s
            s = s * c
            s = s + s
            c = one - (square + square)
        vstore(out + i, r * c)
        vstore(out + NOISE_PAIRS + i, r * s)
        i += lanes


cdef inline void add_noise(const Dropout[real]* p, Py_ssize_t row, Py_ssize_t n, real* x) noexcept nogil:
    """x plus normal numbers of the standard deviation `noise`."""
    cdef uint32_t words[DROPOUT_WORDS]
    cdef real numbers[DROPOUT_WORDS]
    cdef real factor = p.noise
    cdef Py_ssize_t first = 0, i
    while first < n:
        philox_neighbours(p.key, <uint32_t>(first >> 2), <uint32_t>(p.first_row + row), NOISE_STREAM, words)
        normal_numbers(words, numbers)
        for i in range(min(n - first, <Py_ssize_t>DROPOUT_WORDS)):
            x[first + i] += factor * numbers[i]
        first += DROPOUT_WORDS
