# cython: language_level=3
"""Distorted images: those of a fit's mini-batches, made anew each time, and those of arrays.

Every image depends on (key, epoch, place in the epoch) and on the image that it is made from: on no thread and no
batch.
"""
from libc.math cimport pow
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

import numpy as np

from ._arrays cimport FLOATS, INTEGERS, Elements, elements
from ._dispatch cimport active
from ._inputs cimport Batch, as_inputs, parse_inputs
from ._memory cimport Memory
from ._scan cimport check_finite
from ._team cimport Team, WorkQueue, allowed, pieces_of
from .augment cimport CNET_FIELD_LANES, CNET_MAX_SIDE, Distortion, DistortionLimits, DistortionRoom
from .floats cimport IeeeFloats
from .jobs cimport Augmentation, BatchJob, FitJob
from .philox cimport PURPOSE_AUGMENT, bounded, philox4x32
from .structs cimport CNET_FLOAT32, CNET_UINT8, Inputs, Targets, real

cdef enum:
    PIECE = 16              # images that a thread takes at once
    WORTH_A_THREAD = 20000  # pixels
    WORDS_AT_ONCE = 64      # that the kernels draw

# Sides of an image, at most.
largest_side = CNET_MAX_SIDE


cdef int set_up_distortion(Distortion* p, object augment, Py_ssize_t n_in, int source, Memory memory) except -1:
    """What kernels read, from a `cnet.augment.Distort`, for rows of n_in pixels."""
    cdef Py_ssize_t i
    cdef DistortionLimits* limits
    cdef Elements table
    memset(p, 0, sizeof(Distortion))
    p.source = source
    p.height, p.width = augment.shape_of(n_in)
    p.pixel_bytes = 1 if source == CNET_UINT8 else (4 if source == CNET_FLOAT32 else 8)
    p.background = augment.background
    if source == CNET_UINT8 and (p.background > 255 or p.background != <uint8_t>p.background):
        raise ValueError(f"background must be a whole number from 0 to 255 where x holds pixels (uint8), got "
                         f"{p.background:g}")
    p.cut_out, p.mixup = augment.cut_out, augment.mixup
    rows = augment.table()
    table = elements(rows, FLOATS, sizeof(float), 2, False)
    p.n_limits = table.rows
    limits = <DistortionLimits*>memory.allocate(table.rows * sizeof(DistortionLimits))
    memcpy(limits, table.data, table.rows * sizeof(DistortionLimits))
    p.limits = limits
    p.ld = pieces_of(p.width, CNET_FIELD_LANES) * CNET_FIELD_LANES
    p.ld_padded = p.width + 3
    for i in range(p.n_limits):
        if limits[i].elastic > 0:
            set_up_field(p, augment, memory)
            break
    return 0


cdef int set_up_field(Distortion* p, object augment, Memory memory) except -1:
    """The smoothing, as a matrix for each side."""
    down, across = augment.smoothing(p.height), augment.smoothing(p.width)
    cdef Elements rows = elements(down, FLOATS, sizeof(float), 2, False)
    cdef Elements columns = elements(across, FLOATS, sizeof(float), 2, False)
    cdef float* matrix = <float*>memory.allocate(p.height * p.height * sizeof(float))
    cdef Py_ssize_t i
    memcpy(matrix, rows.data, p.height * p.height * sizeof(float))
    p.down = matrix
    matrix = <float*>memory.allocate_zeroed(p.width * p.ld * sizeof(float))
    for i in range(p.width):
        memcpy(matrix + i * p.ld, <float*>columns.data + i * p.width, p.width * sizeof(float))
    p.across = matrix
    p.zeros = <float*>memory.allocate_zeroed(2 * p.ld * sizeof(float))
    return 0


cdef DistortionRoom* allocate_rooms(const Distortion* p, int threads, Memory memory) except NULL:
    cdef DistortionRoom* rooms = <DistortionRoom*>memory.allocate_zeroed(threads * sizeof(DistortionRoom))
    cdef Py_ssize_t pixels = (p.height + 3) * p.ld_padded, numbers = 2 * p.height * p.ld * sizeof(float)
    cdef Py_ssize_t words = pieces_of(2 * p.height * p.width, WORDS_AT_ONCE) * WORDS_AT_ONCE
    cdef Py_ssize_t i
    cdef int thread
    for thread in range(threads):
        rooms[thread].padded = memory.allocate_zeroed(pixels * p.pixel_bytes)
        for i in range(pixels if p.background != 0 else 0):
            if p.source == CNET_UINT8:
                (<uint8_t*>rooms[thread].padded)[i] = <uint8_t>p.background
            elif p.source == CNET_FLOAT32:
                (<float*>rooms[thread].padded)[i] = <float>p.background
            else:
                (<double*>rooms[thread].padded)[i] = p.background
        if p.mixup > 0:
            rooms[thread].partner = memory.allocate(p.height * p.width * p.pixel_bytes)
        if p.zeros is not NULL:
            rooms[thread].words = <uint32_t*>memory.allocate(words * sizeof(uint32_t))
            rooms[thread].noise = <float*>memory.allocate_zeroed(numbers)
            rooms[thread].smoothed = <float*>memory.allocate_zeroed(numbers)
            rooms[thread].field = <float*>memory.allocate_zeroed(numbers)
    return rooms


cdef inline uint64_t key_of(uint64_t key, uint32_t epoch, uint64_t place) noexcept nogil:
    """The key of one image's own random numbers."""
    cdef uint32_t words[4]
    philox4x32(key, place, epoch, PURPOSE_AUGMENT, words)
    return words[0] | <uint64_t>words[1] << 32


cdef inline double share_of_mixture(uint64_t key, double alpha, uint32_t* partner) noexcept nogil:
    """The first image's share, of the beta distribution of (alpha, alpha); and the word that draws the other one.

    M. D. Jöhnk's way, 1964: of two uniform numbers to the power of 1 / alpha, the first's share of their sum, if that is
    at most 1. At least every second pair is taken where alpha is at most 1.
    """
    cdef uint32_t words[4]
    cdef uint64_t counter = 0
    cdef double a, b
    while True:
        philox4x32(key, counter, 0, 2, words)
        partner[0] = words[2]
        a = pow((<double>words[0] + 0.5) / 4294967296.0, 1 / alpha)
        b = pow((<double>words[1] + 0.5) / 4294967296.0, 1 / alpha)
        if a + b <= 1 and a + b > 0:
            return a / (a + b)
        counter += 1


cdef inline const DistortionLimits* limits_of(const Distortion* p, const int32_t* labels, Py_ssize_t row) noexcept nogil:
    """A class that the table does not know has the limits of all."""
    cdef Py_ssize_t label = labels[row] + 1 if p.n_limits > 1 else 0
    return p.limits + (label if label < p.n_limits else 0)


cdef inline const void* image_of(const Inputs* x, Py_ssize_t row, Py_ssize_t pixel_bytes) noexcept nogil:
    return <const char*>x.data + row * x.stride * pixel_bytes


cdef inline void blend_numbers(Py_ssize_t n, double share, const real* other, real* image) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        image[i] = <real>(share * image[i] + (1 - share) * other[i])


cdef inline void blend(const Distortion* p, double share, const void* other, void* image) noexcept nogil:
    cdef Py_ssize_t i, n = p.height * p.width
    cdef uint8_t* pixels = <uint8_t*>image
    if p.source == CNET_FLOAT32:
        blend_numbers(n, share, <const float*>other, <float*>image)
    elif p.source != CNET_UINT8:
        blend_numbers(n, share, <const double*>other, <double*>image)
    else:
        for i in range(n):
            pixels[i] = <uint8_t>(share * pixels[i] + (1 - share) * (<const uint8_t*>other)[i] + 0.5)


cdef inline void add_target(
    const Targets[real]* targets, Py_ssize_t row, Py_ssize_t n_out, double share, real* out
) noexcept nogil:
    cdef Py_ssize_t i
    if targets.labels is not NULL:
        out[targets.labels[row]] += <real>share
    else:
        for i in range(n_out):
            out[i] += <real>(share * targets.values[row * n_out + i])


cdef void make_rows(
    const Augmentation[real]* augmentation, BatchJob[real]* batch, const int64_t* index, uint64_t key, uint32_t epoch,
    Py_ssize_t first_place, Py_ssize_t begin, Py_ssize_t end, int thread,
) noexcept nogil:
    """Rows begin..end of a batch: images made from rows `index` of the data, with their targets and weights."""
    cdef const Distortion* p = &augmentation.distortion
    cdef const DistortionRoom* room = &augmentation.rooms[thread]
    cdef const Targets[real]* targets = &augmentation.targets
    cdef Py_ssize_t r, row, other, n_out = augmentation.n_out
    cdef uint64_t image_key
    cdef uint32_t word
    cdef double share
    cdef void* image
    for r in range(begin, end):
        row = index[r]
        image = <char*>batch.x.data + r * batch.x.stride * p.pixel_bytes
        image_key = key_of(key, epoch, first_place + r)
        augmentation.distort(p, room, limits_of(p, targets.labels, row), image_key,
                             image_of(&augmentation.x, row, p.pixel_bytes), image)
        share = 1
        other = row
        if p.mixup > 0:
            share = share_of_mixture(image_key, p.mixup, &word)
            other = <Py_ssize_t>bounded(word, augmentation.n_rows)
            augmentation.distort(p, room, limits_of(p, targets.labels, other), ~image_key,
                                 image_of(&augmentation.x, other, p.pixel_bytes), room.partner)
            blend(p, share, room.partner, image)
        if batch.targets.labels is not NULL:
            (<int32_t*>batch.targets.labels)[r] = targets.labels[row]
        else:
            memset(<real*>batch.targets.values + r * n_out, 0, n_out * sizeof(real))
            add_target(targets, row, n_out, share, <real*>batch.targets.values + r * n_out)
            if p.mixup > 0:
                add_target(targets, other, n_out, 1 - share, <real*>batch.targets.values + r * n_out)
        if targets.weight is not NULL:
            (<double*>batch.targets.weight)[r] = share * targets.weight[row] + (1 - share) * targets.weight[other]


cdef int set_up_augmentation(
    FitJob[real]* job, object augment, Py_ssize_t n_out, int threads, Memory memory
) except -1:
    """Let both of a fit's batches have images and targets of their own."""
    cdef Augmentation[real]* augmentation
    cdef const Inputs* x = &job.batch[0].x
    cdef Targets[real] targets = job.batch[0].targets
    cdef Py_ssize_t i
    if x.starts is not NULL:
        raise ValueError("augment distorts images, which compressed rows cannot hold; pass a dense array")
    augmentation = <Augmentation[real]*>memory.allocate_zeroed(sizeof(Augmentation[real]))
    set_up_distortion(&augmentation.distortion, augment, x.n_in, x.source, memory)
    if augmentation.distortion.n_limits > 1 and targets.labels is NULL:
        raise ValueError("limits of an augmentation go with targets that are classes: class indices or one-hot rows")
    augmentation.rooms = allocate_rooms(&augmentation.distortion, threads, memory)
    augmentation.distort = active().distort
    augmentation.x, augmentation.targets = x[0], targets
    augmentation.n_rows, augmentation.n_out = job.n_rows, n_out
    augmentation.identity = <int64_t*>memory.allocate(job.batch_size * sizeof(int64_t))
    for i in range(job.batch_size):
        augmentation.identity[i] = i
    for i in range(2):
        take_room(&job.batch[i], augmentation, job.batch_size, memory)
    job.augmentation = augmentation
    return 0


cdef int take_room(
    BatchJob[real]* batch, const Augmentation[real]* augmentation, Py_ssize_t rows, Memory memory
) except -1:
    """Room for one batch's images, targets and weights."""
    cdef Py_ssize_t size = rows * batch.x.n_in * augmentation.distortion.pixel_bytes
    batch.x.data = memory.allocate_zeroed(size)
    batch.x.end = <const char*>batch.x.data + size
    batch.x.stride, batch.x.first = batch.x.n_in, 0
    if augmentation.targets.labels is not NULL and augmentation.distortion.mixup == 0:
        batch.targets.labels = <int32_t*>memory.allocate_zeroed(rows * sizeof(int32_t))
    else:
        batch.targets.labels = NULL
        batch.targets.values = <real*>memory.allocate_zeroed(rows * augmentation.n_out * sizeof(real))
    if augmentation.targets.weight is not NULL:
        batch.targets.weight = <double*>memory.allocate_zeroed(rows * sizeof(double))
    return 0


cdef extern from *:
    """
    struct DistortJob {
        Distortion distortion;
        DistortionRoom *rooms;
        Inputs x;
        const int32_t *labels;
        char *out;
        uint64_t key;
        uint32_t epoch;
        ptrdiff_t n_rows;
        void (*distort)(const Distortion*, const DistortionRoom*, const DistortionLimits*, uint64_t, const void*, void*);
        WorkQueue queue;
    };
    """
    cdef cppclass DistortJob:
        DistortJob() noexcept
        Distortion distortion
        DistortionRoom* rooms
        Inputs x
        const int32_t* labels
        char* out
        uint64_t key
        uint32_t epoch
        Py_ssize_t n_rows
        void (*distort)(
            const Distortion*, const DistortionRoom*, const DistortionLimits*, uint64_t, const void*, void*) noexcept nogil
        WorkQueue queue


cdef void distort_pieces(void* work, int thread, int threads) noexcept nogil:
    """Some images at a time, as long as there are any."""
    cdef DistortJob* job = <DistortJob*>work
    cdef const Distortion* p = &job.distortion
    cdef Py_ssize_t first, last, i, done = 0
    while job.queue.take(thread, threads, &first, &last):
        for i in range(first * PIECE, min(last * PIECE, job.n_rows)):
            job.distort(p, &job.rooms[thread], limits_of(p, job.labels, i), key_of(job.key, job.epoch, i),
                        image_of(&job.x, i, p.pixel_bytes), job.out + i * job.x.stride * p.pixel_bytes)
        done += last - first
    job.queue.finish(done)
    job.queue.wait()


def distort_rows(x, labels, augment, uint64_t key, uint32_t epoch, int n_threads):
    """Rows of images, distorted: row i is what a fit with this key makes of it at place i of an epoch.

    Parameters
    ----------
    x : array_like, shape (N, I)
        uint8, float32 or float64; anything else becomes float32.
    labels : numpy.ndarray of int32, shape (N,), or None
    augment : cnet.augment.Distort
    key, epoch : int
    n_threads : int
        At most so many; 0 for as many as the work is worth.

    Returns
    -------
    numpy.ndarray, shape (N, I), of the type of x

    Raises
    ------
    ValueError
        If x holds a number that is not finite, or the images' shape does not fit.
    """
    cdef IeeeFloats floats
    floats.begin()
    cdef DistortJob job
    cdef Memory memory = Memory()
    cdef Batch batch
    cdef Team team
    cdef Elements target, classes
    cdef int threads = 1
    x = as_inputs(x, np.dtype(np.float32))
    batch = parse_inputs(x, x.shape[1], np.dtype(np.float32))
    job.x, job.n_rows = batch.rows, batch.n_rows
    job.key, job.epoch = key, epoch
    job.distort = active().distort
    set_up_distortion(&job.distortion, augment, job.x.n_in, job.x.source, memory)
    check_finite(&active().float64, &job.x, job.n_rows, n_threads)
    job.labels = NULL
    if job.distortion.n_limits > 1:
        classes = elements(labels, INTEGERS, sizeof(int32_t), 1, False)
        if classes.size != job.n_rows:
            raise ValueError(f"expected a label for each of {job.n_rows} images, got {classes.size}")
        job.labels = <const int32_t*>classes.data
    out = np.empty_like(x)
    target = elements(out.view(np.uint8), 2, 1, 2, True)
    job.out = <char*>target.data
    if job.n_rows * job.x.n_in >= 2 * WORTH_A_THREAD:
        threads = <int>min(<Py_ssize_t>allowed(n_threads), job.n_rows * job.x.n_in // WORTH_A_THREAD)
    job.rooms = allocate_rooms(&job.distortion, threads, memory)
    job.queue.fill(<int>pieces_of(job.n_rows, PIECE))
    team = Team()
    if threads > 1:
        team.wake(threads)
    team.run_tasks(distort_pieces, &job)
    return out
