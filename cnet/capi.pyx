# cython: language_level=3
"""The C-level API: see capi.pxd, which says what each function does."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.math cimport NAN
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from .core._dispatch cimport active
from .core._memory cimport Memory
from .core._network cimport Network
from .core._stages cimport sum_losses
from .core._workspace cimport allocate_layers, allocate_transposed, allocate_workspace, refresh_transposed
from .core.floats cimport IeeeFloats
from .core.structs cimport (
    CNET_FLOAT32, CNET_FLOAT64, CNET_IDENTITY, CNET_LABELS, CNET_VALUES, FUNCTION_RELU, FUNCTION_SIGMOID,
    FUNCTION_TANH, Inputs, Kernels, Layer, Layers, Workspace, Targets, real,
)

cdef extern from *:
    """
    #include "structs.h"
    // What a session keeps: the kernels, the network's own parameters, the same with the upper
    // layers transposed beside them for the way back, and room for sums and for a block of rows.
    template <class T> struct SessionState {
        const Kernels<T>* kernels;
        const Layers<T>* layers;
        Layers<T> both_ways, total;
        Workspace<T> workspace;
        double penalty;
        void* owner;
    };
    struct cnet_session32 { SessionState<float> room; };
    struct cnet_session64 { SessionState<double> room; };
    """
    cdef cppclass SessionState[T]:
        const Kernels[T]* kernels
        const Layers[T]* layers
        Layers[T] both_ways
        Layers[T] total
        Workspace[T] workspace
        double penalty       # weight_decay_lambda
        void* owner

# Rows that go through the layers together.
cdef enum:
    BLOCK = 64


cdef class _Owner:
    """Holds what a session needs: the network, and the session's own memory."""

    cdef Network net
    cdef Memory memory


# ---- sessions ----

cdef Network network_of(object net, bint float32):
    cdef object core = getattr(net, "_core", net)
    if not isinstance(core, Network):
        raise TypeError(f"expected a MultiLayerNet or TwoLayerNet, got {type(net).__name__}")
    if (<Network>core).is_float32 != float32:
        raise TypeError(f"expected a network of {'float32' if float32 else 'float64'}, got one of {core.dtype}")
    return core


cdef int open_session(SessionState[real]* room, const Layers[real]* layers, const Kernels[real]* kernels,
                      _Owner owner) except -1:
    cdef Inputs x = inputs_of(layers, <const real*>NULL)
    room.kernels = kernels
    room.layers = layers
    room.penalty = owner.net.weight_decay
    room.owner = <void*>owner
    allocate_transposed(&room.both_ways, layers, kernels.lanes, owner.memory)
    allocate_layers(&room.total, layers, kernels.lanes, False, owner.memory)
    allocate_workspace(&room.workspace, layers, kernels, &x, NULL, BLOCK, 1, True, True, False, False, owner.memory)
    Py_INCREF(owner)
    return 0


cdef Inputs inputs_of(const Layers[real]* layers, const real* x) noexcept nogil:
    cdef Inputs inputs
    memset(&inputs, 0, sizeof(Inputs))
    inputs.source = CNET_FLOAT32 if real is float else CNET_FLOAT64
    inputs.n_in = layers.layer[0].n_in
    inputs.stride = inputs.n_in
    inputs.data = x
    return inputs


cdef bint serves(const SessionState[real]* room, int form) noexcept nogil:
    """Whether the network's loss takes targets of this form."""
    return active().losses.words[room.layers.loss].property & form != 0


cdef Targets[real] labels_of(const Layers[real]* layers, const int32_t* t) noexcept nogil:
    cdef Targets[real] targets
    memset(&targets, 0, sizeof(targets))
    targets.labels = t
    return targets


cdef Targets[real] values_of(const Layers[real]* layers, const real* t) noexcept nogil:
    cdef Targets[real] targets
    memset(&targets, 0, sizeof(targets))
    targets.values = t
    return targets


cdef Session32* open_session32(object net) except NULL:
    cdef _Owner owner = _Owner()
    cdef Session32* session
    owner.net = network_of(net, True)
    owner.memory = Memory()
    session = <Session32*>owner.memory.allocate_zeroed(sizeof(SessionState[float]))
    open_session(<SessionState[float]*>session, &owner.net.layers32, &active().float32, owner)
    return session


cdef Session64* open_session64(object net) except NULL:
    cdef _Owner owner = _Owner()
    cdef Session64* session
    owner.net = network_of(net, False)
    owner.memory = Memory()
    session = <Session64*>owner.memory.allocate_zeroed(sizeof(SessionState[double]))
    open_session(<SessionState[double]*>session, &owner.net.layers64, &active().float64, owner)
    return session


cdef void close_session32(Session32* session) noexcept:
    Py_DECREF(<object>(<SessionState[float]*>session).owner)


cdef void close_session64(Session64* session) noexcept:
    Py_DECREF(<object>(<SessionState[double]*>session).owner)


cdef Py_ssize_t count_parameters(const Layers[real]* layers) noexcept nogil:
    cdef Py_ssize_t count = 0
    cdef int l
    for l in range(layers.n_layers):
        count += (layers.layer[l].n_in + 1) * layers.layer[l].n_out
    return count


cdef Py_ssize_t inputs32(const Session32* session) noexcept nogil:
    return (<SessionState[float]*>session).layers.layer[0].n_in


cdef Py_ssize_t inputs64(const Session64* session) noexcept nogil:
    return (<SessionState[double]*>session).layers.layer[0].n_in


cdef Py_ssize_t outputs32(const Session32* session) noexcept nogil:
    cdef const Layers[float]* layers = (<SessionState[float]*>session).layers
    return layers.layer[layers.n_layers - 1].n_out


cdef Py_ssize_t outputs64(const Session64* session) noexcept nogil:
    cdef const Layers[double]* layers = (<SessionState[double]*>session).layers
    return layers.layer[layers.n_layers - 1].n_out


cdef Py_ssize_t parameters32(const Session32* session) noexcept nogil:
    return count_parameters((<SessionState[float]*>session).layers)


cdef Py_ssize_t parameters64(const Session64* session) noexcept nogil:
    return count_parameters((<SessionState[double]*>session).layers)


cdef bint serves_labels32(const Session32* session) noexcept nogil:
    return serves(<const SessionState[float]*>session, CNET_LABELS)


cdef bint serves_labels64(const Session64* session) noexcept nogil:
    return serves(<const SessionState[double]*>session, CNET_LABELS)


cdef bint serves_values32(const Session32* session) noexcept nogil:
    return serves(<const SessionState[float]*>session, CNET_VALUES)


cdef bint serves_values64(const Session64* session) noexcept nogil:
    return serves(<const SessionState[double]*>session, CNET_VALUES)


# ---- passes ----

cdef void predict(SessionState[real]* room, Py_ssize_t rows, const real* x, real* y) noexcept nogil:
    cdef IeeeFloats floats
    floats.begin()
    cdef Inputs inputs = inputs_of(room.layers, x)
    cdef int top = room.layers.n_layers - 1
    cdef Py_ssize_t n_out = room.layers.layer[top].n_out
    cdef Py_ssize_t block, r
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        room.kernels.forward(room.layers, &inputs, NULL, &room.workspace, room.workspace.scratch, 0, block)
        room.kernels.predict(room.layers, &room.workspace, 0, block)
        for r in range(block):
            memcpy(y + (inputs.first + r) * n_out, room.workspace.z[top] + r * room.workspace.ld[top],
                   n_out * sizeof(real))
        inputs.first += block


cdef double loss(SessionState[real]* room, Py_ssize_t rows, const real* x, Targets[real] targets) noexcept nogil:
    cdef IeeeFloats floats
    floats.begin()
    cdef Inputs inputs = inputs_of(room.layers, x)
    cdef Py_ssize_t block
    cdef double total = 0
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        room.kernels.forward(room.layers, &inputs, NULL, &room.workspace, room.workspace.scratch, 0, block)
        room.kernels.losses(room.layers, &inputs, &targets, &room.workspace, 0, block)
        total += sum_losses(room.workspace.margin, room.workspace.total, block)
        inputs.first += block
    return total / rows + penalty_of(room)


cdef double gradient(
    SessionState[real]* room, Py_ssize_t rows, const real* x, Targets[real] targets, real* out
) noexcept nogil:
    cdef IeeeFloats floats
    floats.begin()
    cdef Inputs inputs = inputs_of(room.layers, x)
    cdef Layer[real]* total_of
    cdef Py_ssize_t block
    cdef double total = 0
    cdef int l
    for l in range(1, room.layers.n_layers):
        refresh_transposed(&room.both_ways, l, 0, room.layers.layer[l].n_in)
    clear(&room.total)
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        room.kernels.forward(room.layers, &inputs, NULL, &room.workspace, room.workspace.scratch, 0, block)
        room.kernels.backward(&room.both_ways, &inputs, &targets, &room.workspace, room.workspace.scratch, 0, block,
                              <double>rows)
        for l in range(room.layers.n_layers):
            total_of = &room.total.layer[l]
            room.kernels.weight_rows(&room.workspace, room.workspace.scratch, l, total_of.n_out, block, 0,
                                     total_of.n_in, 1, total_of.weight, total_of.ld, total_of.weight, total_of.ld)
            room.kernels.accumulate_bias(&room.total, &room.workspace, l, block, 1)
        total += sum_losses(room.workspace.margin, room.workspace.total, block)
        inputs.first += block
    if room.penalty:
        add_penalty(room)
    write_out(&room.total, out)
    return total / rows + penalty_of(room)


cdef double penalty_of(const SessionState[real]* room) noexcept nogil:
    """Half of lambda times the sum of all squared weights."""
    cdef double squares = 0
    cdef Py_ssize_t i
    cdef int l
    if room.penalty == 0:
        return 0
    for l in range(room.layers.n_layers):
        for i in range(room.layers.layer[l].n_in * room.layers.layer[l].n_out):
            squares += <double>room.layers.layer[l].weight[i] * room.layers.layer[l].weight[i]
    return room.penalty / 2 * squares


cdef void add_penalty(SessionState[real]* room) noexcept nogil:
    """Lambda times each weight to its derivative."""
    cdef const Layer[real]* layer
    cdef Py_ssize_t i, j
    cdef int l
    for l in range(room.layers.n_layers):
        layer = &room.layers.layer[l]
        for i in range(layer.n_in):
            for j in range(layer.n_out):
                room.total.layer[l].weight[i * room.total.layer[l].ld + j] += (
                    <real>room.penalty * layer.weight[i * layer.ld + j])


cdef void clear(Layers[real]* layers) noexcept nogil:
    cdef int l
    for l in range(layers.n_layers):
        memset(layers.layer[l].weight, 0, layers.layer[l].n_in * layers.layer[l].ld * sizeof(real))
        memset(layers.layer[l].bias, 0, layers.layer[l].n_out * sizeof(real))


cdef void write_out(const Layers[real]* layers, real* out) noexcept nogil:
    """Weights and biases one after another, without padding."""
    cdef const Layer[real]* layer
    cdef Py_ssize_t i
    cdef int l
    for l in range(layers.n_layers):
        layer = &layers.layer[l]
        for i in range(layer.n_in):
            memcpy(out, layer.weight + i * layer.ld, layer.n_out * sizeof(real))
            out += layer.n_out
        memcpy(out, layer.bias, layer.n_out * sizeof(real))
        out += layer.n_out


cdef void predict32(Session32* session, Py_ssize_t rows, const float* x, float* y) noexcept nogil:
    predict(<SessionState[float]*>session, rows, x, y)


cdef void predict64(Session64* session, Py_ssize_t rows, const double* x, double* y) noexcept nogil:
    predict(<SessionState[double]*>session, rows, x, y)


cdef double loss32(Session32* session, Py_ssize_t rows, const float* x, const int32_t* t) noexcept nogil:
    if not serves_labels32(session):
        return NAN
    return loss(<SessionState[float]*>session, rows, x, labels_of((<SessionState[float]*>session).layers, t))


cdef double loss64(Session64* session, Py_ssize_t rows, const double* x, const int32_t* t) noexcept nogil:
    if not serves_labels64(session):
        return NAN
    return loss(<SessionState[double]*>session, rows, x, labels_of((<SessionState[double]*>session).layers, t))


cdef double gradient32(
    Session32* session, Py_ssize_t rows, const float* x, const int32_t* t, float* gradient_out
) noexcept nogil:
    if not serves_labels32(session):
        return NAN
    return gradient(<SessionState[float]*>session, rows, x, labels_of((<SessionState[float]*>session).layers, t),
                    gradient_out)


cdef double gradient64(
    Session64* session, Py_ssize_t rows, const double* x, const int32_t* t, double* gradient_out
) noexcept nogil:
    if not serves_labels64(session):
        return NAN
    return gradient(<SessionState[double]*>session, rows, x, labels_of((<SessionState[double]*>session).layers, t),
                    gradient_out)


cdef double loss_values32(Session32* session, Py_ssize_t rows, const float* x, const float* t) noexcept nogil:
    if not serves_values32(session):
        return NAN
    return loss(<SessionState[float]*>session, rows, x, values_of((<SessionState[float]*>session).layers, t))


cdef double gradient_values32(
    Session32* session, Py_ssize_t rows, const float* x, const float* t, float* gradient_out
) noexcept nogil:
    if not serves_values32(session):
        return NAN
    return gradient(<SessionState[float]*>session, rows, x, values_of((<SessionState[float]*>session).layers, t),
                    gradient_out)


cdef double loss_values64(Session64* session, Py_ssize_t rows, const double* x, const double* t) noexcept nogil:
    if not serves_values64(session):
        return NAN
    return loss(<SessionState[double]*>session, rows, x, values_of((<SessionState[double]*>session).layers, t))


cdef double gradient_values64(
    Session64* session, Py_ssize_t rows, const double* x, const double* t, double* gradient_out
) noexcept nogil:
    if not serves_values64(session):
        return NAN
    return gradient(<SessionState[double]*>session, rows, x, values_of((<SessionState[double]*>session).layers, t),
                    gradient_out)


# ---- single kernels ----

cdef const char* instruction_set() noexcept nogil:
    return active().name


cdef int dense(
    const Kernels[real]* kernels, Py_ssize_t rows, Py_ssize_t n_in, Py_ssize_t n_out, const real* x,
    const real* weight, const real* bias, real* out,
) noexcept nogil:
    """A network of one layer, in padded room of its own: rows of weights, bias, x and sums."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Layers[real] layers
    cdef Workspace[real] workspace
    cdef Inputs inputs
    cdef Py_ssize_t lanes = kernels.lanes
    cdef Py_ssize_t ld = (n_out + lanes - 1) // lanes * lanes
    cdef Py_ssize_t ld_x = (n_in + lanes - 1) // lanes * lanes
    cdef Py_ssize_t block, i
    cdef real* scratch
    cdef real* room = <real*>calloc(
        (n_in + 1 + BLOCK) * ld + BLOCK * ld_x + lanes + kernels.scratch, sizeof(real))
    if room is NULL:
        return -1
    memset(&layers, 0, sizeof(layers))
    memset(&workspace, 0, sizeof(workspace))
    layers.n_layers = 1
    layers.layer[0].activation = CNET_IDENTITY
    layers.layer[0].n_in = n_in
    layers.layer[0].n_out = n_out
    layers.layer[0].ld = ld
    layers.layer[0].weight = room
    layers.layer[0].bias = room + n_in * ld
    for i in range(n_in):
        memcpy(layers.layer[0].weight + i * ld, weight + i * n_out, n_out * sizeof(real))
    if bias is not NULL:
        memcpy(layers.layer[0].bias, bias, n_out * sizeof(real))
    workspace.capacity = BLOCK
    workspace.ld[0] = ld
    workspace.z[0] = layers.layer[0].bias + ld
    workspace.ld_x = ld_x
    workspace.x = workspace.z[0] + BLOCK * ld
    scratch = workspace.x + BLOCK * ld_x + lanes
    inputs = inputs_of(&layers, x)
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        kernels.forward(&layers, &inputs, NULL, &workspace, scratch, 0, block)
        for i in range(block):
            memcpy(out + (inputs.first + i) * n_out, workspace.z[0] + i * ld, n_out * sizeof(real))
        inputs.first += block
    free(room)
    return 0


cdef int dense32(Py_ssize_t rows, Py_ssize_t n_in, Py_ssize_t n_out, const float* x, const float* weight,
                 const float* bias, float* out) noexcept nogil:
    return dense(&active().float32, rows, n_in, n_out, x, weight, bias, out)


cdef int dense64(Py_ssize_t rows, Py_ssize_t n_in, Py_ssize_t n_out, const double* x, const double* weight,
                 const double* bias, double* out) noexcept nogil:
    return dense(&active().float64, rows, n_in, n_out, x, weight, bias, out)


cdef void sigmoid32(Py_ssize_t n, const float* x, float* out) noexcept nogil:
    active().float32.apply(FUNCTION_SIGMOID, n, x, out)


cdef void sigmoid64(Py_ssize_t n, const double* x, double* out) noexcept nogil:
    active().float64.apply(FUNCTION_SIGMOID, n, x, out)


cdef void relu32(Py_ssize_t n, const float* x, float* out) noexcept nogil:
    active().float32.apply(FUNCTION_RELU, n, x, out)


cdef void relu64(Py_ssize_t n, const double* x, double* out) noexcept nogil:
    active().float64.apply(FUNCTION_RELU, n, x, out)


cdef void tanh32(Py_ssize_t n, const float* x, float* out) noexcept nogil:
    active().float32.apply(FUNCTION_TANH, n, x, out)


cdef void tanh64(Py_ssize_t n, const double* x, double* out) noexcept nogil:
    active().float64.apply(FUNCTION_TANH, n, x, out)


cdef void softmax32(Py_ssize_t rows, Py_ssize_t n, const float* x, float* out) noexcept nogil:
    active().float32.softmax_rows(rows, n, x, out)


cdef void softmax64(Py_ssize_t rows, Py_ssize_t n, const double* x, double* out) noexcept nogil:
    active().float64.softmax_rows(rows, n, x, out)
