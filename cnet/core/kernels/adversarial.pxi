# Adversarial training: each input is moved a little in the direction in which the loss grows, by the sign of the loss's
# derivative [I. J. Goodfellow, J. Shlens and C. Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015].


cdef void move_inputs(
    const Layers[real]* net, Workspace[real]* workspace, real* scratch, Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    """The inputs of rows begin..end, which have been forward and back, plus or minus `move`; or none, where the derivative
    is 0."""
    cdef const Layer[real]* layer = &net.layer[0]
    cdef Py_ssize_t r, c, ld = workspace.ld_x, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] move = vset(workspace.move)
    cdef vec[real] slope
    cdef real* x
    cdef const real* d_x
    product(end - begin, layer.n_in, layer.n_out, <const real*>workspace.d[0] + begin * workspace.ld[0], workspace.ld[0], 1,
            <const real*>layer.transposed, layer.ld_transposed, <real>1, workspace.zeros, 0,
            workspace.d_x + begin * ld, ld, scratch)
    for r in range(begin, end):
        x, d_x = workspace.x + r * ld, <const real*>workspace.d_x + r * ld
        c = 0
        while c < layer.n_in:
            slope = vload(d_x + c)
            # What lies between rows is computed with and never used.
            vstore(x + c, vload(<const real*>x + c) + vselect_less(zero, slope, move, vselect_less(
                slope, zero, zero - move, zero)))
            c += lanes
