# Elementary functions, one vector at a time, and the chapter's element-wise functions over arrays.

cdef inline vec[real] vexpm1_parts(vec[real] x, vec[real]* power) noexcept nogil:
    """For x <= 0: p and 2**n with exp(x) = 2**n * (1 + p).

    x = n ln 2 + r with |r| <= ln(2)/2; p = exp(r) - 1 by its Taylor series, whose
    first neglected term is below half a unit in the last place of 1 + p. The sum
    with `round_bias` leaves the integer n in the low bits of the significand.
    """
    cdef vec[real] n, r, p, shifted, round_bias
    cdef int k, degree
    if real is float:
        round_bias = vset(<real>12582912.0)          # 1.5 * 2**23
        degree = 7
    else:
        round_bias = vset(<real>6755399441055744.0)  # 1.5 * 2**52
        degree = 13
    shifted = vfma(x, vset(<real>1.4426950408889634), round_bias)
    n = shifted - round_bias
    # ln 2 in two parts, the first short enough for n times it to be exact.
    if real is float:
        r = vfma(n, vset(<real>-0.693359375), x)
        r = vfma(n, vset(<real>2.12194440054690583e-4), r)
    else:
        r = vfma(n, vset(<real>-6.93147180369123816490e-01), x)
        r = vfma(n, vset(<real>-1.90821492927058770002e-10), r)
    p = vset(<real>RECIPROCAL_FACTORIAL[degree])
    for k in range(degree - 1, 0, -1):
        p = vfma(p, r, vset(<real>RECIPROCAL_FACTORIAL[k]))
    power[0] = vpow2(shifted)
    return p * r


cdef inline vec[real] vexp_negative(vec[real] x) noexcept nogil:
    """exp(x) for x <= 0; 0 below the smallest normal number; NaN stays NaN."""
    cdef vec[real] lowest, power, p
    if real is float:
        lowest = vset(<real>-87.3)
    else:
        lowest = vset(<real>-708.3)
    p = vexpm1_parts(vselect_less(x, lowest, lowest, x), &power)
    return vselect_less(x, lowest, vset(<real>0), vfma(p, power, power))


cdef inline vec[real] vminus_abs(vec[real] x) noexcept nogil:
    cdef vec[real] negative = vset(<real>0) - x
    return vselect_less(negative, x, negative, x)


cdef inline vec[real] vsigmoid(vec[real] x) noexcept nogil:
    """1 / (1 + exp(-x)), from exp(-|x|) so that nothing overflows."""
    cdef vec[real] e = vexp_negative(vminus_abs(x))
    cdef vec[real] one = vset(<real>1)
    return vselect_less(x, vset(<real>0), e, one) / (one + e)


cdef inline vec[real] vtanh(vec[real] x) noexcept nogil:
    """-m / (m + 2) with m = exp(-2|x|) - 1, and the sign of x.

    m is put together without cancellation, so small x keep their accuracy.
    """
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] lowest = vset(<real>-60)
    cdef vec[real] y, power, p, m
    y = vminus_abs(x)
    y = y + y
    p = vexpm1_parts(vselect_less(y, lowest, lowest, y), &power)
    m = vfma(p, power, power - one)
    m = m / (m + vset(<real>2))
    return vselect_less(x, zero, m, zero - m)


cdef inline vec[real] vrelu(vec[real] x) noexcept nogil:
    return vselect_less(x, vset(<real>0), vset(<real>0), x)


cdef inline vec[real] vfunction(int function, vec[real] x) noexcept nogil:
    """The element-wise functions of the chapter; x is the pre-activation."""
    cdef vec[real] s
    if function == FUNCTION_SIGMOID:
        return vsigmoid(x)
    if function == FUNCTION_SIGMOID_GRAD:
        # s(x) s(-x): exact where 1 - s(x) would round to nothing.
        return vsigmoid(x) * vsigmoid(vset(<real>0) - x)
    if function == FUNCTION_RELU:
        return vrelu(x)
    if function == FUNCTION_RELU_GRAD:
        return vselect_less(vset(<real>0), x, vset(<real>1), vselect_less(x, vset(<real>1), vset(<real>0), x))
    return vtanh(x)


cdef inline void apply_as(int function, Py_ssize_t n, const real* x, real* out) noexcept nogil:
    cdef Py_ssize_t v, i = 0, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef real tail[CNET_MAX_LANES]
    while i + lanes <= n:
        vstore(out + i, vfunction(function, vload(x + i)))
        i += lanes
    if i < n:
        for j in range(lanes):
            tail[j] = 0
        for j in range(n - i):
            tail[j] = x[i + j]
        vstore(tail, vfunction(function, vload(<const real*>tail)))
        for j in range(n - i):
            out[i + j] = tail[j]


cdef void apply(int function, Py_ssize_t n, const real* x, real* out) noexcept nogil:
    """out = function(x) for n elements; the tail goes through the same vector code."""
    if function == FUNCTION_SIGMOID:
        apply_as(FUNCTION_SIGMOID, n, x, out)
    elif function == FUNCTION_SIGMOID_GRAD:
        apply_as(FUNCTION_SIGMOID_GRAD, n, x, out)
    elif function == FUNCTION_RELU:
        apply_as(FUNCTION_RELU, n, x, out)
    elif function == FUNCTION_RELU_GRAD:
        apply_as(FUNCTION_RELU_GRAD, n, x, out)
    else:
        apply_as(FUNCTION_TANH, n, x, out)
