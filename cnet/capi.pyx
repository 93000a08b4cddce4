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
from .core._tape cimport refresh_transposed, sum_losses, take_stack, take_tape, take_transposed
from .core.floats cimport IeeeFloats
from .core.stack cimport (
    CNET_FLOAT32, CNET_FLOAT64, CNET_IDENTITY, CNET_LABELS, CNET_VALUES, FUNCTION_RELU, FUNCTION_SIGMOID,
    FUNCTION_TANH, Inputs, Kernels, Layer, Stack, Tape, Targets, real,
)

cdef extern from *:
    """
    #include "stack.h"
    // What a session keeps: the kernels, the network's own parameters, the same with the upper
    // layers transposed beside them for the way back, and room for sums and for a block of rows.
    template <class T> struct Room {
        const Kernels<T>* kernels;
        const Stack<T>* stack;
        Stack<T> both_ways, total;
        Tape<T> tape;
        double penalty;
        void* owner;
    };
    struct cnet_session32 { Room<float> room; };
    struct cnet_session64 { Room<double> room; };
    """
    cdef cppclass Room[T]:
        const Kernels[T]* kernels
        const Stack[T]* stack
        Stack[T] both_ways
        Stack[T] total
        Tape[T] tape
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


cdef int furnish(Room[real]* room, const Stack[real]* stack, const Kernels[real]* kernels, _Owner owner) except -1:
    cdef Inputs x = inputs_of(stack, <const real*>NULL)
    room.kernels = kernels
    room.stack = stack
    room.penalty = owner.net.weight_decay
    room.owner = <void*>owner
    take_transposed(&room.both_ways, stack, kernels.lanes, owner.memory)
    take_stack(&room.total, stack, kernels.lanes, False, owner.memory)
    take_tape(&room.tape, stack, kernels, &x, NULL, BLOCK, 1, True, True, False, False, owner.memory)
    Py_INCREF(owner)
    return 0


cdef Inputs inputs_of(const Stack[real]* stack, const real* x) noexcept nogil:
    cdef Inputs inputs
    memset(&inputs, 0, sizeof(Inputs))
    inputs.source = CNET_FLOAT32 if real is float else CNET_FLOAT64
    inputs.n_in = stack.layer[0].n_in
    inputs.stride = inputs.n_in
    inputs.data = x
    return inputs


cdef bint serves(const Room[real]* room, int form) noexcept nogil:
    """Whether the network's loss takes targets of this form."""
    return active().losses.words[room.stack.loss].property & form != 0


cdef Targets[real] labels_of(const Stack[real]* stack, const int32_t* t) noexcept nogil:
    cdef Targets[real] targets
    memset(&targets, 0, sizeof(targets))
    targets.labels = t
    return targets


cdef Targets[real] values_of(const Stack[real]* stack, const real* t) noexcept nogil:
    cdef Targets[real] targets
    memset(&targets, 0, sizeof(targets))
    targets.values = t
    return targets


cdef Session32* open_session32(object net) except NULL:
    cdef _Owner owner = _Owner()
    cdef Session32* session
    owner.net = network_of(net, True)
    owner.memory = Memory()
    session = <Session32*>owner.memory.take_zeroed(sizeof(Room[float]))
    furnish(<Room[float]*>session, &owner.net.stack32, &active().float32, owner)
    return session


cdef Session64* open_session64(object net) except NULL:
    cdef _Owner owner = _Owner()
    cdef Session64* session
    owner.net = network_of(net, False)
    owner.memory = Memory()
    session = <Session64*>owner.memory.take_zeroed(sizeof(Room[double]))
    furnish(<Room[double]*>session, &owner.net.stack64, &active().float64, owner)
    return session


cdef void close_session32(Session32* session) noexcept:
    Py_DECREF(<object>(<Room[float]*>session).owner)


cdef void close_session64(Session64* session) noexcept:
    Py_DECREF(<object>(<Room[double]*>session).owner)


cdef Py_ssize_t count_parameters(const Stack[real]* stack) noexcept nogil:
    cdef Py_ssize_t count = 0
    cdef int l
    for l in range(stack.n_layers):
        count += (stack.layer[l].n_in + 1) * stack.layer[l].n_out
    return count


cdef Py_ssize_t inputs32(const Session32* session) noexcept nogil:
    return (<Room[float]*>session).stack.layer[0].n_in


cdef Py_ssize_t inputs64(const Session64* session) noexcept nogil:
    return (<Room[double]*>session).stack.layer[0].n_in


cdef Py_ssize_t outputs32(const Session32* session) noexcept nogil:
    cdef const Stack[float]* stack = (<Room[float]*>session).stack
    return stack.layer[stack.n_layers - 1].n_out


cdef Py_ssize_t outputs64(const Session64* session) noexcept nogil:
    cdef const Stack[double]* stack = (<Room[double]*>session).stack
    return stack.layer[stack.n_layers - 1].n_out


cdef Py_ssize_t parameters32(const Session32* session) noexcept nogil:
    return count_parameters((<Room[float]*>session).stack)


cdef Py_ssize_t parameters64(const Session64* session) noexcept nogil:
    return count_parameters((<Room[double]*>session).stack)


cdef bint serves_labels32(const Session32* session) noexcept nogil:
    return serves(<const Room[float]*>session, CNET_LABELS)


cdef bint serves_labels64(const Session64* session) noexcept nogil:
    return serves(<const Room[double]*>session, CNET_LABELS)


cdef bint serves_values32(const Session32* session) noexcept nogil:
    return serves(<const Room[float]*>session, CNET_VALUES)


cdef bint serves_values64(const Session64* session) noexcept nogil:
    return serves(<const Room[double]*>session, CNET_VALUES)


# ---- passes ----

cdef void predict(Room[real]* room, Py_ssize_t rows, const real* x, real* y) noexcept nogil:
    cdef IeeeFloats floats
    floats.begin()
    cdef Inputs inputs = inputs_of(room.stack, x)
    cdef int top = room.stack.n_layers - 1
    cdef Py_ssize_t n_out = room.stack.layer[top].n_out
    cdef Py_ssize_t block, r
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        room.kernels.forward(room.stack, &inputs, NULL, &room.tape, room.tape.scratch, 0, block)
        room.kernels.predict(room.stack, &room.tape, 0, block)
        for r in range(block):
            memcpy(y + (inputs.first + r) * n_out, room.tape.z[top] + r * room.tape.ld[top], n_out * sizeof(real))
        inputs.first += block


cdef double loss(Room[real]* room, Py_ssize_t rows, const real* x, Targets[real] targets) noexcept nogil:
    cdef IeeeFloats floats
    floats.begin()
    cdef Inputs inputs = inputs_of(room.stack, x)
    cdef Py_ssize_t block
    cdef double total = 0
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        room.kernels.forward(room.stack, &inputs, NULL, &room.tape, room.tape.scratch, 0, block)
        room.kernels.losses(room.stack, &inputs, &targets, &room.tape, 0, block)
        total += sum_losses(room.tape.margin, room.tape.total, block)
        inputs.first += block
    return total / rows + penalty_of(room)


cdef double gradient(
    Room[real]* room, Py_ssize_t rows, const real* x, Targets[real] targets, real* out
) noexcept nogil:
    cdef IeeeFloats floats
    floats.begin()
    cdef Inputs inputs = inputs_of(room.stack, x)
    cdef Py_ssize_t block
    cdef double total = 0
    cdef int l
    for l in range(1, room.stack.n_layers):
        refresh_transposed(&room.both_ways, l, 0, room.stack.layer[l].n_in)
    clear(&room.total)
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        room.kernels.forward(room.stack, &inputs, NULL, &room.tape, room.tape.scratch, 0, block)
        room.kernels.backward(&room.both_ways, &inputs, &targets, &room.tape, room.tape.scratch, 0, block, <double>rows)
        for l in range(room.stack.n_layers):
            room.kernels.accumulate_weight(&room.total, &room.tape, room.tape.scratch, l, block, 0, room.stack.layer[l].n_in, 1)
            room.kernels.accumulate_bias(&room.total, &room.tape, l, block, 1)
        total += sum_losses(room.tape.margin, room.tape.total, block)
        inputs.first += block
    if room.penalty:
        add_penalty(room)
    write_out(&room.total, out)
    return total / rows + penalty_of(room)


cdef double penalty_of(const Room[real]* room) noexcept nogil:
    """Half of lambda times the sum of all squared weights."""
    cdef double squares = 0
    cdef Py_ssize_t i
    cdef int l
    if room.penalty == 0:
        return 0
    for l in range(room.stack.n_layers):
        for i in range(room.stack.layer[l].n_in * room.stack.layer[l].n_out):
            squares += <double>room.stack.layer[l].weight[i] * room.stack.layer[l].weight[i]
    return room.penalty / 2 * squares


cdef void add_penalty(Room[real]* room) noexcept nogil:
    """Lambda times each weight to its derivative."""
    cdef const Layer[real]* layer
    cdef Py_ssize_t i, j
    cdef int l
    for l in range(room.stack.n_layers):
        layer = &room.stack.layer[l]
        for i in range(layer.n_in):
            for j in range(layer.n_out):
                room.total.layer[l].weight[i * room.total.layer[l].ld + j] += (
                    <real>room.penalty * layer.weight[i * layer.ld + j])


cdef void clear(Stack[real]* stack) noexcept nogil:
    cdef int l
    for l in range(stack.n_layers):
        memset(stack.layer[l].weight, 0, stack.layer[l].n_in * stack.layer[l].ld * sizeof(real))
        memset(stack.layer[l].bias, 0, stack.layer[l].n_out * sizeof(real))


cdef void write_out(const Stack[real]* stack, real* out) noexcept nogil:
    """Weights and biases one after another, without padding."""
    cdef const Layer[real]* layer
    cdef Py_ssize_t i
    cdef int l
    for l in range(stack.n_layers):
        layer = &stack.layer[l]
        for i in range(layer.n_in):
            memcpy(out, layer.weight + i * layer.ld, layer.n_out * sizeof(real))
            out += layer.n_out
        memcpy(out, layer.bias, layer.n_out * sizeof(real))
        out += layer.n_out


cdef void predict32(Session32* session, Py_ssize_t rows, const float* x, float* y) noexcept nogil:
    predict(<Room[float]*>session, rows, x, y)


cdef void predict64(Session64* session, Py_ssize_t rows, const double* x, double* y) noexcept nogil:
    predict(<Room[double]*>session, rows, x, y)


cdef double loss32(Session32* session, Py_ssize_t rows, const float* x, const int32_t* t) noexcept nogil:
    if not serves_labels32(session):
        return NAN
    return loss(<Room[float]*>session, rows, x, labels_of((<Room[float]*>session).stack, t))


cdef double loss64(Session64* session, Py_ssize_t rows, const double* x, const int32_t* t) noexcept nogil:
    if not serves_labels64(session):
        return NAN
    return loss(<Room[double]*>session, rows, x, labels_of((<Room[double]*>session).stack, t))


cdef double gradient32(
    Session32* session, Py_ssize_t rows, const float* x, const int32_t* t, float* gradient_out
) noexcept nogil:
    if not serves_labels32(session):
        return NAN
    return gradient(<Room[float]*>session, rows, x, labels_of((<Room[float]*>session).stack, t), gradient_out)


cdef double gradient64(
    Session64* session, Py_ssize_t rows, const double* x, const int32_t* t, double* gradient_out
) noexcept nogil:
    if not serves_labels64(session):
        return NAN
    return gradient(<Room[double]*>session, rows, x, labels_of((<Room[double]*>session).stack, t), gradient_out)


cdef double loss_values32(Session32* session, Py_ssize_t rows, const float* x, const float* t) noexcept nogil:
    if not serves_values32(session):
        return NAN
    return loss(<Room[float]*>session, rows, x, values_of((<Room[float]*>session).stack, t))


cdef double gradient_values32(
    Session32* session, Py_ssize_t rows, const float* x, const float* t, float* gradient_out
) noexcept nogil:
    if not serves_values32(session):
        return NAN
    return gradient(<Room[float]*>session, rows, x, values_of((<Room[float]*>session).stack, t), gradient_out)


cdef double loss_values64(Session64* session, Py_ssize_t rows, const double* x, const double* t) noexcept nogil:
    if not serves_values64(session):
        return NAN
    return loss(<Room[double]*>session, rows, x, values_of((<Room[double]*>session).stack, t))


cdef double gradient_values64(
    Session64* session, Py_ssize_t rows, const double* x, const double* t, double* gradient_out
) noexcept nogil:
    if not serves_values64(session):
        return NAN
    return gradient(<Room[double]*>session, rows, x, values_of((<Room[double]*>session).stack, t), gradient_out)


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
    cdef Stack[real] stack
    cdef Tape[real] tape
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
    memset(&stack, 0, sizeof(stack))
    memset(&tape, 0, sizeof(tape))
    stack.n_layers = 1
    stack.layer[0].activation = CNET_IDENTITY
    stack.layer[0].n_in = n_in
    stack.layer[0].n_out = n_out
    stack.layer[0].ld = ld
    stack.layer[0].weight = room
    stack.layer[0].bias = room + n_in * ld
    for i in range(n_in):
        memcpy(stack.layer[0].weight + i * ld, weight + i * n_out, n_out * sizeof(real))
    if bias is not NULL:
        memcpy(stack.layer[0].bias, bias, n_out * sizeof(real))
    tape.capacity = BLOCK
    tape.ld[0] = ld
    tape.z[0] = stack.layer[0].bias + ld
    tape.ld_x = ld_x
    tape.x = tape.z[0] + BLOCK * ld
    scratch = tape.x + BLOCK * ld_x + lanes
    inputs = inputs_of(&stack, x)
    while inputs.first < rows:
        block = min(BLOCK, rows - inputs.first)
        kernels.forward(&stack, &inputs, NULL, &tape, scratch, 0, block)
        for i in range(block):
            memcpy(out + (inputs.first + i) * n_out, tape.z[0] + i * ld, n_out * sizeof(real))
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
