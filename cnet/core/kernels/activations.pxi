# The activations: value and slope (the derivative with respect to the pre-activation) of a hidden layer's units.
#
# To add one: its word and number, its value in `vactivation`, its slope either from the value in
# `vslope_of_value` or (marked CNET_STORED_SLOPE among the words) from the pre-activation in `vslope`,
# and a line in `activate`.

cdef extern from *:
    """
    enum { CNET_SIGMOID = 1, CNET_RELU, CNET_TANH, CNET_LEAKY_RELU, CNET_ELU, CNET_GELU, CNET_SILU };
    static const Word ACTIVATION_WORDS[] = {
        {"identity", 0}, {"sigmoid", 0}, {"relu", CNET_MANY_ZEROS}, {"tanh", 0}, {"leaky_relu", 0},
        {"elu", CNET_STORED_SLOPE}, {"gelu", CNET_STORED_SLOPE}, {"silu", CNET_STORED_SLOPE},
    };
    static const Vocabulary ACTIVATIONS = {sizeof(ACTIVATION_WORDS) / sizeof(Word), ACTIVATION_WORDS};
    """
    enum:
        CNET_SIGMOID
        CNET_RELU
        CNET_TANH
        CNET_LEAKY_RELU
        CNET_ELU
        CNET_GELU
        CNET_SILU
    Vocabulary ACTIVATIONS


cdef inline vec[real] vleaky_relu(vec[real] a) noexcept nogil:
    return vselect_less(vset(<real>0), a, a, a * vset(<real>0.01))


cdef inline vec[real] velu_parts(vec[real] a, vec[real]* power) noexcept nogil:
    """p and 2**n with exp(min(a, 0)) = 2**n * (1 + p)."""
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] lowest = vset(<real>(-87.3 if real is float else -708.3))
    cdef vec[real] x = vselect_less(zero, a, zero, a)
    return vexpm1_parts(vselect_less(x, lowest, lowest, x), power)


cdef inline vec[real] velu(vec[real] a) noexcept nogil:
    """a above 0, and exp(a) - 1 below, put together without cancellation."""
    cdef vec[real] power
    cdef vec[real] p = velu_parts(a, &power)
    return vselect_less(vset(<real>0), a, a, vfma(p, power, power - vset(<real>1)))


cdef inline vec[real] velu_slope(vec[real] a) noexcept nogil:
    """exp(min(a, 0)); z + 1 would lose its last digits far below 0. It is 0 below the smallest normal number."""
    cdef vec[real] power
    cdef vec[real] p = velu_parts(a, &power)
    cdef vec[real] lowest = vset(<real>(-87.3 if real is float else -708.3))
    return vselect_less(a, lowest, vset(<real>0), vfma(p, power, power))


cdef inline vec[real] vgelu(vec[real] a) noexcept nogil:
    """a times the standard normal distribution at a [Hendrycks and Gimpel 2016], not its approximation by tanh."""
    cdef vec[real] bell
    return a * vnormal_cdf(a, &bell)


cdef inline vec[real] vgelu_slope(vec[real] a) noexcept nogil:
    cdef vec[real] bell
    cdef vec[real] y = vnormal_cdf(a, &bell)
    return vfma(a, bell * vset(<real>0.3989422804014327), y)  # 1 / sqrt(2 pi)


cdef inline vec[real] vsilu(vec[real] a) noexcept nogil:
    return a * vsigmoid(a)


cdef inline vec[real] vsilu_slope(vec[real] a) noexcept nogil:
    """y + a y (1 - y) for y = sigmoid(a), where 1 - y is computed without a subtraction."""
    cdef vec[real] e = vexp_negative(vminus_abs(a))
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] y = vselect_less(a, zero, e, one) / (one + e)
    return vfma(a * y, vselect_less(a, zero, one, e) / (one + e), y)


cdef inline vec[real] vactivation(int kind, vec[real] a) noexcept nogil:
    if kind == CNET_SIGMOID:
        return vsigmoid(a)
    if kind == CNET_RELU:
        return vrelu(a)
    if kind == CNET_TANH:
        return vtanh(a)
    if kind == CNET_LEAKY_RELU:
        return vleaky_relu(a)
    if kind == CNET_ELU:
        return velu(a)
    if kind == CNET_GELU:
        return vgelu(a)
    if kind == CNET_SILU:
        return vsilu(a)
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
    if kind == CNET_LEAKY_RELU:
        return vselect_less(zero, z, one, vset(<real>0.01))
    return one


cdef inline vec[real] vslope(int kind, vec[real] a, vec[real] z) noexcept nogil:
    """The slope, from the pre-activation a and the value z."""
    if kind == CNET_ELU:
        return velu_slope(a)
    if kind == CNET_GELU:
        return vgelu_slope(a)
    if kind == CNET_SILU:
        return vsilu_slope(a)
    return vslope_of_value(kind, z)


cdef inline void activate_as(int kind, Py_ssize_t n, real* a, real* slope) noexcept nogil:
    cdef Py_ssize_t v = 0, i, lanes = sizeof(vec[real]) // sizeof(real), vectors = n // lanes
    cdef vec[real] before, z
    cdef vec[real] some[SIDE_BY_SIDE]
    cdef int k
    if slope is not NULL:
        for v in range(vectors):
            i = v * lanes
            before = vload(<const real*>a + i)
            z = vactivation(kind, before)
            vstore(a + i, z)
            vstore(slope + i, vslope(kind, before, z))
        return
    while kind == CNET_SIGMOID and v + SIDE_BY_SIDE <= vectors:
        for k in range(SIDE_BY_SIDE):
            some[k] = vload(<const real*>a + (v + k) * lanes)
        sigmoid(SIDE_BY_SIDE, some)
        for k in range(SIDE_BY_SIDE):
            vstore(a + (v + k) * lanes, some[k])
        v += SIDE_BY_SIDE
    while v < vectors:
        vstore(a + v * lanes, vactivation(kind, vload(<const real*>a + v * lanes)))
        v += 1


cdef inline void activate(int kind, Py_ssize_t n, real* a, real* slope) noexcept nogil:
    """a = activation(a), and where there is room for it, its slope; n is padded to whole vectors."""
    if kind == CNET_SIGMOID:
        activate_as(CNET_SIGMOID, n, a, slope)
    elif kind == CNET_RELU:
        activate_as(CNET_RELU, n, a, slope)
    elif kind == CNET_TANH:
        activate_as(CNET_TANH, n, a, slope)
    elif kind == CNET_LEAKY_RELU:
        activate_as(CNET_LEAKY_RELU, n, a, slope)
    elif kind == CNET_ELU:
        activate_as(CNET_ELU, n, a, slope)
    elif kind == CNET_GELU:
        activate_as(CNET_GELU, n, a, slope)
    elif kind == CNET_SILU:
        activate_as(CNET_SILU, n, a, slope)
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
