# The optimizers: one step on a vector of gradients, weights and state.
#
# Plain gradient descent joins first: outside of `step` it is fused into the sums of gradients. To add one: its word
# and number (and how many arrays of state it has), its step, and a line in `step`.

cdef extern from *:
    """
    enum { CNET_MOMENTUM = 1, CNET_NESTEROV, CNET_ADAGRAD, CNET_RMSPROP, CNET_ADAM, CNET_ADAMW };
    static const Word OPTIMIZER_WORDS[] = {
        {"sgd", 0}, {"momentum", 1}, {"nesterov", 1}, {"adagrad", 1}, {"rmsprop", 1}, {"adam", 2}, {"adamw", 2},
    };
    static const Vocabulary OPTIMIZERS = {sizeof(OPTIMIZER_WORDS) / sizeof(Word), OPTIMIZER_WORDS};
    """
    enum:
        CNET_MOMENTUM
        CNET_NESTEROV
        CNET_ADAGRAD
        CNET_RMSPROP
        CNET_ADAM
        CNET_ADAMW
    Vocabulary OPTIMIZERS


cdef inline vec[real] without_denormals(vec[real] x) noexcept nogil:
    """x, or 0 where it is below the smallest normal number, with which processors are slow; a NaN stays."""
    cdef vec[real] zero = vset(<real>0)
    if real is float:
        return vselect_less(vset(<real>-FLT_MIN), vminus_abs(x), zero, x)
    else:
        return vselect_less(vset(<real>-DBL_MIN), vminus_abs(x), zero, x)


cdef inline vec[real] vstep(
    int kind, const Step[real]* p, vec[real] g, real* state0, real* state1, Py_ssize_t i
) noexcept nogil:
    """What is taken from the weights, of which the gradient is g; the state at i goes on."""
    cdef vec[real] v, m
    cdef vec[real] rate = vset(p.rate)
    if kind == CNET_MOMENTUM or kind == CNET_NESTEROV:
        # v = m v + g. Nesterov's step goes on from there: g + m v.
        v = without_denormals(vfma(vset(p.momentum), vload(<const real*>state0 + i), g))
        vstore(state0 + i, v)
        if kind == CNET_NESTEROV:
            v = vfma(vset(p.momentum), v, g)
        return rate * v
    if kind == CNET_ADAGRAD:
        v = without_denormals(vfma(g, g, vload(<const real*>state0 + i)))
        vstore(state0 + i, v)
        return rate * g / vfma(vsqrt(v), vset(p.root), vset(p.epsilon))
    if kind == CNET_RMSPROP:
        v = without_denormals(vfma(vset(p.decay_rest) * g, g, vset(p.decay) * vload(<const real*>state0 + i)))
        vstore(state0 + i, v)
        return rate * g / vfma(vsqrt(v), vset(p.root), vset(p.epsilon))
    if kind == CNET_ADAM or kind == CNET_ADAMW:
        # The corrections 1 - beta^t stand in rate and root.
        m = without_denormals(vfma(vset(p.rest), g, vset(p.momentum) * vload(<const real*>state0 + i)))
        v = without_denormals(vfma(vset(p.decay_rest) * g, g, vset(p.decay) * vload(<const real*>state1 + i)))
        vstore(state0 + i, m)
        vstore(state1 + i, v)
        return rate * m / vfma(vsqrt(v), vset(p.root), vset(p.epsilon))
    return rate * g


cdef inline bint is_plain(const Step[real]* p) noexcept nogil:
    """Without penalty, clipping and decay of the weights."""
    return p.penalty == 0 and p.clip == 1 and p.shrink == 1


cdef inline void step_as(
    int kind, bint plain, const Step[real]* p, Py_ssize_t n, const real* gradient, real* weight, real* state0,
    real* state1,
) noexcept nogil:
    """`plain`: see is_plain."""
    cdef Py_ssize_t v, i, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] w, g
    for v in range((n + lanes - 1) // lanes):
        i = v * lanes
        w = vload(<const real*>weight + i)
        g = vload(gradient + i)
        if not plain:
            g = vfma(vset(p.penalty), w, g) * vset(p.clip)
            w = w * vset(p.shrink)
        vstore(weight + i, w - vstep(kind, p, g, state0, state1, i))


cdef inline void step_kind(
    int kind, const Step[real]* p, Py_ssize_t n, const real* gradient, real* weight, real* state0, real* state1
) noexcept nogil:
    if is_plain(p):
        step_as(kind, True, p, n, gradient, weight, state0, state1)
    else:
        step_as(kind, False, p, n, gradient, weight, state0, state1)


cdef void step(
    const Step[real]* p, Py_ssize_t n, const real* gradient, real* weight, real* state0, real* state1
) noexcept nogil:
    """One step on n elements, in whole vectors: what lies behind them up to a vector's end must be room for it."""
    if p.kind == CNET_MOMENTUM:
        step_kind(CNET_MOMENTUM, p, n, gradient, weight, state0, state1)
    elif p.kind == CNET_NESTEROV:
        step_kind(CNET_NESTEROV, p, n, gradient, weight, state0, state1)
    elif p.kind == CNET_ADAGRAD:
        step_kind(CNET_ADAGRAD, p, n, gradient, weight, state0, state1)
    elif p.kind == CNET_RMSPROP:
        step_kind(CNET_RMSPROP, p, n, gradient, weight, state0, state1)
    elif p.kind == CNET_ADAM or p.kind == CNET_ADAMW:
        step_kind(CNET_ADAM, p, n, gradient, weight, state0, state1)
    else:
        step_kind(CNET_SGD, p, n, gradient, weight, state0, state1)
