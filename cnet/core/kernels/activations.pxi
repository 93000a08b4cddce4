# The activations: value and slope (the derivative with respect to the pre-activation) of a hidden layer's units.
#
# To add one: its word and number, its value in `vactivation`, its slope either from the value in
# `vslope_of_value` or (marked 1 among the words: stored in the forward pass) from the pre-activation in `vslope`,
# and a line in `activate`.

cdef extern from *:
    """
    enum { CNET_SIGMOID = 1, CNET_RELU, CNET_TANH };
    static const Word ACTIVATION_WORDS[] = {{"identity", 0}, {"sigmoid", 0}, {"relu", 0}, {"tanh", 0}};
    static const Vocabulary ACTIVATIONS = {sizeof(ACTIVATION_WORDS) / sizeof(Word), ACTIVATION_WORDS};
    """
    enum:
        CNET_SIGMOID
        CNET_RELU
        CNET_TANH
    Vocabulary ACTIVATIONS


cdef inline bint stores_slope(int kind) noexcept nogil:
    return ACTIVATIONS.words[kind].property


cdef inline vec[real] vactivation(int kind, vec[real] a) noexcept nogil:
    if kind == CNET_SIGMOID:
        return vsigmoid(a)
    if kind == CNET_RELU:
        return vrelu(a)
    if kind == CNET_TANH:
        return vtanh(a)
    return a


cdef inline vec[real] vslope_of_value(int kind, vec[real] z) noexcept nogil:
    """The slope, from the value z."""
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] zero = vset(<real>0)
    if kind == CNET_SIGMOID:
        return z * (one - z)
    if kind == CNET_RELU:
        return vselect_less(zero, z, one, zero)
    if kind == CNET_TANH:
        return vfma(zero - z, z, one)
    return one


cdef inline vec[real] vslope(int kind, vec[real] a, vec[real] z) noexcept nogil:
    """The slope, from the pre-activation a and the value z."""
    return vslope_of_value(kind, z)


cdef inline void activate_as(int kind, Py_ssize_t n, real* a, real* slope) noexcept nogil:
    cdef Py_ssize_t v, i, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] before, z
    if slope is NULL:
        for v in range(n // lanes):
            i = v * lanes
            vstore(a + i, vactivation(kind, vload(<const real*>a + i)))
        return
    for v in range(n // lanes):
        i = v * lanes
        before = vload(<const real*>a + i)
        z = vactivation(kind, before)
        vstore(a + i, z)
        vstore(slope + i, vslope(kind, before, z))


cdef inline void activate(int kind, Py_ssize_t n, real* a, real* slope) noexcept nogil:
    """a = activation(a), and where there is room for it, its slope; n is padded to whole vectors."""
    if kind == CNET_SIGMOID:
        activate_as(CNET_SIGMOID, n, a, slope)
    elif kind == CNET_RELU:
        activate_as(CNET_RELU, n, a, slope)
    elif kind == CNET_TANH:
        activate_as(CNET_TANH, n, a, slope)
    elif slope is not NULL:
        activate_as(CNET_IDENTITY, n, a, slope)


cdef inline void activate_back(int kind, Py_ssize_t n, const real* z, const real* slope, real* d) noexcept nogil:
    """d *= slope, which is stored or follows from z = activation(a); n is padded to whole vectors."""
    cdef Py_ssize_t v, i, lanes = sizeof(vec[real]) // sizeof(real)
    if slope is not NULL:
        for v in range(n // lanes):
            i = v * lanes
            vstore(d + i, vload(<const real*>d + i) * vload(slope + i))
        return
    for v in range(n // lanes):
        i = v * lanes
        vstore(d + i, vload(<const real*>d + i) * vslope_of_value(kind, vload(z + i)))
