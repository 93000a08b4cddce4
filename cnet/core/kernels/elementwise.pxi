# Elementary functions, one vector at a time, and the chapter's element-wise functions over arrays.

cdef extern from *:
    """
    // 1 / (2 k + 1), the coefficients of artanh's series.
    static const double RECIPROCAL_ODD[16] = {
        1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23,
        1.0 / 25, 1.0 / 27, 1.0 / 29, 1.0 / 31
    };
    // exp(x**2 / 2) erfc(x / sqrt(2)) / 2 as a quotient of polynomials of x, lowest powers first, x from 0 to 13.3
    // (relative error 6e-9) and to 37.8 (1.6e-18). They equal the function at as many points as there are unknowns,
    // Chebyshev's in s, where x = c (1 + s) / (1 - s) with c = 3 and 4: linear equations, solved with 60 digits
    // (mpmath). All coefficients are positive, so that nothing cancels.
    static const double RATIO_TOP32[] = {
        0.5000000016550789, 0.4347574635899293, 0.18057675419536334, 0.03972606117625045, 0.003978534055152529
    };
    static const double RATIO_BOTTOM32[] = {
        1.0, 1.6673997532171303, 1.1915427155658813, 0.46244317098792675, 0.099585982681506,
        0.009972560247331216
    };
    static const double RATIO_TOP64[] = {
        0.5, 0.825502451387018, 0.6757756874344393, 0.35434916295903796, 0.1305584518083266,
        0.03515497723461463, 0.006996055803714008, 0.0010171998337413642, 0.000103792836900231,
        6.7573530599213075e-06, 2.1568386730809268e-07
    };
    static const double RATIO_BOTTOM64[] = {
        1.0, 2.4488894635769016, 2.805482468969696, 1.988666261991322, 0.9714121408640717, 0.34428307648541695,
        0.09063632577095933, 0.01779560005960618, 0.002566680036675718, 0.00026071069895489547,
        1.6938172241696965e-05, 5.406392801760787e-07
    };
    #define SIDE_BY_SIDE 4  // vectors that go through a function together, at most
    """
    enum:
        SIDE_BY_SIDE
    const double* RECIPROCAL_ODD
    const double* RATIO_TOP32
    const double* RATIO_BOTTOM32
    const double* RATIO_TOP64
    const double* RATIO_BOTTOM64


cdef inline vec[real] vexp_reduced(vec[real] x, vec[real]* rest) noexcept nogil:
    """x = n ln 2 + rest with |rest| <= ln(2)/2; returns a number whose significand has the integer n in its low bits.

    The sum with `round_bias` leaves it there.
    """
    cdef vec[real] n, r, shifted, round_bias
    if real is float:
        round_bias = vset(<real>12582912.0)          # 1.5 * 2**23
    else:
        round_bias = vset(<real>6755399441055744.0)  # 1.5 * 2**52
    shifted = vfma(x, vset(<real>1.4426950408889634), round_bias)
    n = shifted - round_bias
    # ln 2 in two parts, the first short enough for n times it to be exact.
    if real is float:
        r = vfma(n, vset(<real>-0.693359375), x)
        r = vfma(n, vset(<real>2.12194440054690583e-4), r)
    else:
        r = vfma(n, vset(<real>-6.93147180369123816490e-01), x)
        r = vfma(n, vset(<real>-1.90821492927058770002e-10), r)
    rest[0] = r
    return shifted


cdef inline vec[real] vexpm1_series(vec[real] r) noexcept nogil:
    """exp(r) - 1 for |r| <= ln(2)/2 by its Taylor series.

    The first neglected term is below half a unit in the last place of exp(r).
    """
    cdef vec[real] p
    cdef int k, degree = 7 if real is float else 13
    p = vset(<real>RECIPROCAL_FACTORIAL[degree])
    for k in range(degree - 1, 0, -1):
        p = vfma(p, r, vset(<real>RECIPROCAL_FACTORIAL[k]))
    return p * r


cdef inline vec[real] vexpm1_parts(vec[real] x, vec[real]* power) noexcept nogil:
    """For x <= 0: p and 2**n with exp(x) = 2**n * (1 + p)."""
    cdef vec[real] r
    power[0] = vpow2(vexp_reduced(x, &r))
    return vexpm1_series(r)


cdef inline void exp_negative(int n, vec[real]* x) noexcept nogil:
    """x = exp(x) for n vectors of numbers <= 0; 0 below the smallest normal number; NaN stays NaN.

    n, at most SIDE_BY_SIDE, is a constant once inlined. The vectors go through each step together: one alone would wait
    for each of its multiply-adds. A step is what `vexpm1_parts` does.
    """
    cdef vec[real] shifted[SIDE_BY_SIDE]
    cdef vec[real] r[SIDE_BY_SIDE]
    cdef vec[real] p[SIDE_BY_SIDE]
    cdef vec[real] lowest, power
    cdef int i, k, degree = 7 if real is float else 13
    if real is float:
        lowest = vset(<real>-87.3)
    else:
        lowest = vset(<real>-708.3)
    for i in range(n):
        shifted[i] = vexp_reduced(vselect_less(x[i], lowest, lowest, x[i]), &r[i])
        p[i] = vset(<real>RECIPROCAL_FACTORIAL[degree])
    for k in range(degree - 1, 0, -1):
        for i in range(n):
            p[i] = vfma(p[i], r[i], vset(<real>RECIPROCAL_FACTORIAL[k]))
    for i in range(n):
        power = vpow2(shifted[i])
        x[i] = vselect_less(x[i], lowest, vset(<real>0), vfma(p[i] * r[i], power, power))


cdef inline vec[real] vexp_negative(vec[real] x) noexcept nogil:
    exp_negative(1, &x)
    return x


cdef inline vec[real] vminus_abs(vec[real] x) noexcept nogil:
    cdef vec[real] negative = vset(<real>0) - x
    return vselect_less(negative, x, negative, x)


cdef inline vec[real] vexp(vec[real] x) noexcept nogil:
    """exp(x); 0 below the smallest normal number, infinity above the largest; NaN stays NaN."""
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] lowest, highest, y, positive, power, p, r
    if real is float:
        lowest, highest = vset(<real>-87.3), vset(<real>89)
    else:
        lowest, highest = vset(<real>-708.3), vset(<real>710)
    y = vselect_less(x, lowest, lowest, vselect_less(highest, x, highest, x))
    # For positive x half the power, because the whole one overflows before exp(x) does.
    positive = vselect_less(zero, y, one, zero)
    power = vpow2(vexp_reduced(y, &r) - positive)
    p = vexpm1_series(r)
    return vselect_less(x, lowest, zero, vfma(p, power, power) * (one + positive))


cdef inline vec[real] vlog(vec[real] x) noexcept nogil:
    """log(x) for positive normal x; NaN stays NaN.

    x = 2**n * m with m from sqrt(1/2) up to sqrt(2), and log(m) = 2 artanh(f) with
    f = (m - 1) / (m + 1): 2 f (1 + f**2 / 3 + f**4 / 5 + ...). As |f| < 0.1716, the first
    term that is neglected is below a quarter of a unit in the last place.
    """
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] round_bias, shifted, n, m, f, square, p
    cdef int k, terms = 4 if real is float else 10
    if real is float:
        round_bias = vset(<real>12582912.0)          # 1.5 * 2**23
    else:
        round_bias = vset(<real>6755399441055744.0)  # 1.5 * 2**52
    shifted = vexponent(x, round_bias)
    n = shifted - round_bias
    m = x * vpow2(round_bias - n)
    f = (m - one) / (m + one)
    square = f * f
    p = vset(<real>RECIPROCAL_ODD[terms])
    for k in range(terms - 1, 0, -1):
        p = vfma(p, square, vset(<real>RECIPROCAL_ODD[k]))
    f = f + f
    # ln 2 in two parts, the first short enough for n times it to be exact.
    if real is float:
        p = vfma(n, vset(<real>-2.12194440054690583e-4), f * square * p)
        return vfma(n, vset(<real>0.693359375), f + p)
    else:
        p = vfma(n, vset(<real>1.90821492927058770002e-10), f * square * p)
        return vfma(n, vset(<real>6.93147180369123816490e-01), f + p)


cdef inline vec[real] vlog1p(vec[real] e) noexcept nogil:
    """log(1 + e) for e from 0 to 1, as exact for small e as for large ones; NaN stays NaN.

    It is 2 artanh(f) with f = e / (2 + e), by the series in `vlog`; here |f| <= 1/3.
    """
    cdef vec[real] f = e / (vset(<real>2) + e)
    cdef vec[real] square = f * f
    cdef vec[real] p
    cdef int k, terms = 7 if real is float else 15
    p = vset(<real>RECIPROCAL_ODD[terms])
    for k in range(terms - 1, 0, -1):
        p = vfma(p, square, vset(<real>RECIPROCAL_ODD[k]))
    f = f + f
    return vfma(f, square * p, f)


cdef inline vec[real] vbell(vec[real] x) noexcept nogil:
    """exp(-x**2 / 2) for x from 0 to 37.8 (float32: 13.3); 0 below the smallest normal number; NaN stays NaN.

    Where x**2 is large, its rounding alone would be an error of many units in the last place. So x is split into the
    upper half of its bits, whose square is exact, and a rest [Dekker 1971]: x**2 = high**2 + (x - high) (x + high).
    """
    cdef vec[real] scaled, high, y, low, r, power, p, lowest
    if real is float:
        scaled = x * vset(<real>4097.0)       # 2**12 + 1
        lowest = vset(<real>-87.3)
    else:
        scaled = x * vset(<real>134217729.0)  # 2**27 + 1
        lowest = vset(<real>-708.3)
    high = scaled - (scaled - x)
    y = high * high * vset(<real>-0.5)
    low = (x - high) * (x + high) * vset(<real>-0.5)
    power = vpow2(vexp_reduced(y, &r))
    p = vexpm1_series(r + low)
    return vselect_less(y, lowest, vset(<real>0), vfma(p, power, power))


cdef inline vec[real] vnormal_ratio(vec[real] x) noexcept nogil:
    """The standard normal distribution's tail above x, divided by exp(-x**2 / 2), for x as in `vbell`."""
    cdef vec[real] p, q
    cdef int k
    if real is float:
        p, q = vset(<real>RATIO_TOP32[4]), vset(<real>RATIO_BOTTOM32[5])
        for k in range(3, -1, -1):
            p = vfma(p, x, vset(<real>RATIO_TOP32[k]))
        for k in range(4, -1, -1):
            q = vfma(q, x, vset(<real>RATIO_BOTTOM32[k]))
    else:
        p, q = vset(<real>RATIO_TOP64[10]), vset(<real>RATIO_BOTTOM64[11])
        for k in range(9, -1, -1):
            p = vfma(p, x, vset(<real>RATIO_TOP64[k]))
        for k in range(10, -1, -1):
            q = vfma(q, x, vset(<real>RATIO_BOTTOM64[k]))
    return p / q


cdef inline vec[real] vnormal_cdf(vec[real] x, vec[real]* bell) noexcept nogil:
    """The standard normal distribution at x, relatively exact far below 0; and exp(-x**2 / 2)."""
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] limit = vset(<real>(13.3 if real is float else 37.8))
    cdef vec[real] y = zero - vminus_abs(x)
    cdef vec[real] tail
    y = vselect_less(limit, y, limit, y)
    bell[0] = vbell(y)
    tail = bell[0] * vnormal_ratio(y)
    return vselect_less(x, zero, tail, vset(<real>1) - tail)


cdef inline void sigmoid(int n, vec[real]* x) noexcept nogil:
    """x = 1 / (1 + exp(-x)) for n vectors side by side, from exp(-|x|) so that nothing overflows."""
    cdef vec[real] e[SIDE_BY_SIDE]
    cdef vec[real] one = vset(<real>1)
    cdef int i
    for i in range(n):
        e[i] = vminus_abs(x[i])
    exp_negative(n, e)
    for i in range(n):
        x[i] = vselect_less(x[i], vset(<real>0), e[i], one) / (one + e[i])


cdef inline vec[real] vsigmoid(vec[real] x) noexcept nogil:
    sigmoid(1, &x)
    return x


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
