# cython: language_level=3
"""Strokes to pixels: handwritten digits, drawn.

Every image depends on (key, number) alone. Arithmetic is + - * / and square roots of
doubles, which IEEE 754 rounds the same everywhere, so a key gives the same bytes on
any machine and under any number of threads.
"""
from libc.math cimport floor, sqrt
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ._arrays cimport BYTES, FLOATS, INTEGERS, Elements, elements
from ._team cimport WorkQueue, Team, allowed, pieces_of
from .floats cimport IeeeFloats
from .philox cimport PURPOSE_DIGITS, bounded, philox4x32

cdef enum:
    SIDE = 28            # pixels
    BOX = 20             # of which the ink takes at most so many
    MAX_POINTS = 64      # control points of one skeleton
    STEPS = 6            # pieces of the curve between two of them
    PIECE = 16           # images that a thread takes at once
    WORTH_A_THREAD = 500  # images
    COUNTERS = 256       # each image's share of the random numbers, in fours

ctypedef struct Random:
    uint64_t key
    uint64_t counter
    int used
    uint32_t words[4]

ctypedef struct Curve:
    # A polyline in pieces: x, y and half the pen's width at each point; a stroke's
    # first point has begins = 1.
    int n
    double x[MAX_POINTS * STEPS]
    double y[MAX_POINTS * STEPS]
    double half[MAX_POINTS * STEPS]
    uint8_t begins[MAX_POINTS * STEPS]


cdef inline uint32_t word(Random* random) noexcept nogil:
    if random.used == 4:
        random.counter += 1
        random.used = 0
    if random.used == 0:
        philox4x32(random.key, random.counter, 0, PURPOSE_DIGITS, random.words)
    random.used += 1
    return random.words[random.used - 1]


cdef inline double uniform(Random* random, double low, double high) noexcept nogil:
    return low + (high - low) * (word(random) * (1.0 / 4294967296.0))


cdef inline double normal(Random* random, double deviation) noexcept nogil:
    """Nearly normal: the sum of three uniform numbers, within three deviations."""
    cdef double total = uniform(random, -1, 1)
    total += uniform(random, -1, 1)
    total += uniform(random, -1, 1)
    return deviation * total


cdef inline double wave(double u) noexcept nogil:
    """A smooth wave of period 1 between -1 and 1, made of two parabolas."""
    cdef double p = 2 * (u - floor(u)) - 1
    return 4 * p * (1 - (p if p > 0 else -p))


cdef void loosen(Random* random, int n, double* x, double* y) noexcept nogil:
    """One stroke a little off its place and size, its two ends too short or too long."""
    cdef double start = 1 + normal(random, 0.28), end = 1 + normal(random, 0.28)
    cdef double size = 1 + normal(random, 0.1)
    cdef double aside = normal(random, 0.025), down = normal(random, 0.025)
    cdef double x0 = x[0], y0 = y[0]
    cdef int i
    x[0] = x[1] + start * (x[0] - x[1])
    y[0] = y[1] + start * (y[0] - y[1])
    x[n - 1] = x[n - 2] + end * (x[n - 1] - x[n - 2])
    y[n - 1] = y[n - 2] + end * (y[n - 1] - y[n - 2])
    for i in range(n):
        x[i] = x0 + size * (x[i] - x0) + aside
        y[i] = y0 + size * (y[i] - y0) + down


cdef void proportion(Random* random, int n, double* x, double* y) noexcept nogil:
    """The waist higher or lower, the foot wider or narrower than the head, the back bent."""
    cdef double waist = normal(random, 0.3)
    cdef double lean = normal(random, 0.12)
    cdef double taper = normal(random, 0.35)
    cdef double back = normal(random, 0.2)
    cdef double u, v
    cdef int i
    for i in range(n):
        u = x[i]
        v = y[i]
        y[i] = v + waist * v * (1 - v)
        x[i] = u + lean * u * (1 - u) + taper * (u - 0.5) * (v - 0.5) + back * v * (1 - v)


cdef void jitter(Random* random, int n, double* x, double* y) noexcept nogil:
    """Each control point a little off, and all of them bent by slow waves."""
    cdef double amount = uniform(random, 0.005, 0.045)
    cdef double bend = uniform(random, 0.0, 0.12)
    cdef double across[2]
    cdef double along[2]
    cdef double phase[4]
    cdef double dx, dy
    cdef int i
    for i in range(2):
        across[i] = uniform(random, 0.3, 1.0)
        along[i] = uniform(random, 0.3, 1.0)
    for i in range(4):
        phase[i] = uniform(random, 0, 1)
    for i in range(n):
        dx = bend * (wave(along[0] * y[i] + phase[0]) + 0.5 * wave(across[0] * x[i] + phase[1]))
        dy = bend * (wave(across[1] * x[i] + phase[2]) + 0.5 * wave(along[1] * y[i] + phase[3]))
        x[i] += dx + normal(random, amount)
        y[i] += dy + normal(random, amount)


cdef void transform(Random* random, int n, double* x, double* y) noexcept nogil:
    """Aspect, slant and rotation, around the middle."""
    cdef double aspect = max(0.4, 0.85 + normal(random, 0.16))
    cdef double slant = 0.10 + normal(random, 0.24)
    # Rotation by the half angle's tangent: no sine is needed.
    cdef double half = normal(random, 0.06)
    cdef double cosine = (1 - half * half) / (1 + half * half)
    cdef double sine = 2 * half / (1 + half * half)
    cdef double u, v
    cdef int i
    for i in range(n):
        v = y[i] - 0.5
        u = (x[i] - 0.5) * aspect - slant * v
        x[i] = u * cosine - v * sine
        y[i] = u * sine + v * cosine


cdef inline double between(double p0, double p1, double p2, double p3, double t) noexcept nogil:
    """Catmull and Rom's cubic from p1 (t = 0) to p2 (t = 1)."""
    return p1 + 0.5 * t * ((p2 - p0) + t * ((2 * p0 - 5 * p1 + 4 * p2 - p3) + t * (3 * (p1 - p2) + p3 - p0)))


cdef void add_stroke(Curve* curve, int n, const double* x, const double* y) noexcept nogil:
    """A smooth curve through a stroke's control points."""
    cdef int i, s, before, after
    cdef double t
    for i in range(n - 1):
        before = i - 1 if i > 0 else i
        after = i + 2 if i + 2 < n else i + 1
        for s in range(STEPS if i + 2 < n else STEPS + 1):
            t = s * (1.0 / STEPS)
            curve.x[curve.n] = between(x[before], x[i], x[i + 1], x[after], t)
            curve.y[curve.n] = between(y[before], y[i], y[i + 1], y[after], t)
            curve.begins[curve.n] = i == 0 and s == 0
            curve.n += 1


cdef void fit_box(Random* random, Curve* curve) noexcept nogil:
    """The pen's width; then the longer side to the box, in the middle of the image."""
    # One draw a statement: C does not say which operand of a sum joins first.
    cdef double thin = uniform(random, 0, 1)
    cdef double width = 1.7 + 3.6 * thin * uniform(random, 0, 1)
    cdef double swell = uniform(random, 0.0, 0.25)
    cdef double phase = uniform(random, 0, 1), pace = uniform(random, 0.3, 1.2)
    cdef double left = curve.x[0], right = curve.x[0], top = curve.y[0], bottom = curve.y[0]
    cdef double scale, side
    cdef int i
    for i in range(curve.n):
        left = min(left, curve.x[i])
        right = max(right, curve.x[i])
        top = min(top, curve.y[i])
        bottom = max(bottom, curve.y[i])
    side = max(right - left, bottom - top)
    scale = (BOX - width * (1 + swell)) / max(side, 1e-3)
    for i in range(curve.n):
        curve.half[i] = 0.5 * width * (1 + swell * wave(phase + pace * i / curve.n))
        curve.x[i] = 0.5 * SIDE + scale * (curve.x[i] - 0.5 * (left + right))
        curve.y[i] = 0.5 * SIDE + scale * (curve.y[i] - 0.5 * (top + bottom))


cdef void ink_piece(Curve* curve, int i, double reach, double* depth) noexcept nogil:
    """How deep each pixel lies in the ink of the piece that ends at point i."""
    cdef double x0 = curve.x[i - 1], y0 = curve.y[i - 1], h0 = curve.half[i - 1]
    cdef double dx = curve.x[i] - x0, dy = curve.y[i] - y0, dh = curve.half[i] - h0
    cdef double length = dx * dx + dy * dy
    cdef double around = max(h0, h0 + dh) + reach
    cdef int left = <int>max(0., floor(min(x0, x0 + dx) - around))
    cdef int right = <int>min(SIDE - 1., floor(max(x0, x0 + dx) + around))
    cdef int top = <int>max(0., floor(min(y0, y0 + dy) - around))
    cdef int bottom = <int>min(SIDE - 1., floor(max(y0, y0 + dy) + around))
    cdef int row, column
    cdef double u, v, t, d
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            u = column + 0.5 - x0
            v = row + 0.5 - y0
            t = (u * dx + v * dy) / length if length > 0 else 0.0
            t = min(1., max(0., t))
            u -= t * dx
            v -= t * dy
            d = h0 + t * dh - sqrt(u * u + v * v)
            if d > depth[row * SIDE + column]:
                depth[row * SIDE + column] = d


cdef void paint(Random* random, Curve* curve, uint8_t* image) noexcept nogil:
    """The curve's ink with soft edges, moved so that its centre of mass is where MNIST's are."""
    cdef double depth[SIDE * SIDE]
    cdef uint8_t grey[SIDE * SIDE]
    cdef double soft = uniform(random, 0.8, 1.4), value
    cdef double mass = 0, mass_x = 0, mass_y = 0
    cdef int i, row, column, down, aside
    for i in range(SIDE * SIDE):
        depth[i] = -SIDE
        image[i] = 0
    for i in range(1, curve.n):
        if not curve.begins[i]:
            ink_piece(curve, i, soft, depth)
    for row in range(SIDE):
        for column in range(SIDE):
            value = depth[row * SIDE + column] / soft + 0.5
            value = min(1., max(0., value))
            # Nothing outside of the box, where soft edges may reach.
            if row < 4 or row >= 4 + BOX or column < 4 or column >= 4 + BOX:
                value = 0
            grey[row * SIDE + column] = <uint8_t>(255 * value + 0.5)
            mass += grey[row * SIDE + column]
            mass_x += grey[row * SIDE + column] * (column + 0.5)
            mass_y += grey[row * SIDE + column] * (row + 0.5)
    mass = max(mass, 1.0)
    # MNIST's centres of mass lie half a pixel right of and below the image's middle (on average,
    # over its images, 14.49 and 14.50). The box has four pixels around it: it may move by so many.
    aside = <int>max(-4., min(4., floor(0.5 * SIDE + 0.5 - mass_x / mass + 0.5)))
    down = <int>max(-4., min(4., floor(0.5 * SIDE + 0.5 - mass_y / mass + 0.5)))
    for row in range(4, 4 + BOX):
        for column in range(4, 4 + BOX):
            image[(row + down) * SIDE + column + aside] = grey[row * SIDE + column]


cdef void draw_one(
    const double* points, const int32_t* strokes, const int32_t* skeletons, const int32_t* digits,
    uint64_t key, uint64_t number, uint8_t* label, uint8_t* image,
) noexcept nogil:
    cdef Random random
    cdef Curve curve
    cdef double x[MAX_POINTS]
    cdef double y[MAX_POINTS]
    cdef int digit, skeleton, stroke, first, n, i
    random.key = key
    random.counter = number * COUNTERS
    random.used = 0
    digit = <int>bounded(word(&random), 10)
    skeleton = digits[digit] + <int>bounded(word(&random), digits[digit + 1] - digits[digit])
    first = strokes[skeletons[skeleton]]
    n = strokes[skeletons[skeleton + 1]] - first
    for i in range(n):
        x[i] = points[2 * (first + i)]
        y[i] = points[2 * (first + i) + 1]
    for stroke in range(skeletons[skeleton], skeletons[skeleton + 1]):
        i = strokes[stroke] - first
        loosen(&random, strokes[stroke + 1] - strokes[stroke], x + i, y + i)
    proportion(&random, n, x, y)
    jitter(&random, n, x, y)
    transform(&random, n, x, y)
    curve.n = 0
    for stroke in range(skeletons[skeleton], skeletons[skeleton + 1]):
        i = strokes[stroke] - first
        add_stroke(&curve, strokes[stroke + 1] - strokes[stroke], x + i, y + i)
    fit_box(&random, &curve)
    paint(&random, &curve, image)
    label[0] = <uint8_t>digit


cdef extern from *:
    """
    #include "threads.h"
    struct DrawJob {
        const double* points;
        const int32_t *strokes, *skeletons, *digits;
        uint64_t key;
        ptrdiff_t first, last;  // the numbers of the images
        uint8_t *labels, *images;
        WorkQueue queue;
    };
    """
    cdef cppclass DrawJob:
        DrawJob() noexcept
        const double* points
        const int32_t* strokes
        const int32_t* skeletons
        const int32_t* digits
        uint64_t key
        Py_ssize_t first, last
        uint8_t* labels
        uint8_t* images
        WorkQueue queue


cdef void draw_pieces(void* work, int thread, int threads) noexcept nogil:
    """Some images at a time, as long as there are any."""
    cdef DrawJob* job = <DrawJob*>work
    cdef Py_ssize_t first, last, i, done = 0
    while job.queue.take(thread, threads, &first, &last):
        for i in range(job.first + first * PIECE, min(job.first + last * PIECE, job.last)):
            draw_one(job.points, job.strokes, job.skeletons, job.digits, job.key, i,
                     job.labels + i, job.images + i * SIDE * SIDE)
        done += last - first
    job.queue.finish(done)
    job.queue.wait()


def draw(points, strokes, skeletons, digits, uint64_t key, Py_ssize_t first, Py_ssize_t last, labels, images):
    """Draw the images number first..last of a key into labels and images, by several threads where there are many.

    Parameters
    ----------
    points : numpy.ndarray of float64, shape (P, 2)
        Control points, x to the right and y down, from 0 to 1.
    strokes, skeletons, digits : numpy.ndarray of int32
        Where each stroke begins among the points, each skeleton among the strokes, each
        digit among the skeletons; each ends where the next begins.
    key : int
    first, last : int
    labels : numpy.ndarray of uint8, shape (N,)
    images : numpy.ndarray of uint8, shape (N, 784)

    Raises
    ------
    ValueError
        If the buffers and the numbers do not fit together.
    """
    cdef IeeeFloats floats
    floats.begin()
    cdef DrawJob job
    cdef Team team
    cdef Elements point = elements(points, FLOATS, sizeof(double), 2, False)
    cdef Elements stroke = elements(strokes, INTEGERS, sizeof(int32_t), 1, False)
    cdef Elements skeleton = elements(skeletons, INTEGERS, sizeof(int32_t), 1, False)
    cdef Elements digit = elements(digits, INTEGERS, sizeof(int32_t), 1, False)
    cdef Elements label = elements(labels, BYTES, 1, 1, True), image = elements(images, BYTES, 1, 2, True)
    cdef Py_ssize_t i
    if not 0 <= first <= last <= label.size or image.rows != label.size:
        raise ValueError(f"cannot draw images {first} to {last} into {label.size} places")
    if image.columns != SIDE * SIDE:
        raise ValueError(f"expected images of {SIDE * SIDE} pixels, got {image.columns}")
    check_nesting(&digit, skeleton.size - 1, 1)
    check_nesting(&skeleton, stroke.size - 1, 1)
    check_nesting(&stroke, point.rows, 2)
    if digit.size != 11 or point.columns != 2:
        raise ValueError("expected ten digits and points of two coordinates")
    job.points, job.strokes = <const double*>point.data, <const int32_t*>stroke.data
    job.skeletons, job.digits = <const int32_t*>skeleton.data, <const int32_t*>digit.data
    for i in range(skeleton.size - 1):
        if job.strokes[job.skeletons[i + 1]] - job.strokes[job.skeletons[i]] > MAX_POINTS - 1:
            raise ValueError(f"skeleton {i} has too many points")
    if first == last:
        return
    job.key, job.first, job.last = key, first, last
    job.labels, job.images = <uint8_t*>label.data, <uint8_t*>image.data
    job.queue.fill(<int>pieces_of(last - first, PIECE))
    team = Team()
    if last - first >= 2 * WORTH_A_THREAD:
        team.wake(min(allowed(0), <int>((last - first) // WORTH_A_THREAD)))
    team.run_tasks(draw_pieces, &job)


cdef int check_nesting(const Elements* found, Py_ssize_t n, int at_least) except -1:
    """Whether starts (integers of 32 bits) divide n things into parts of at least so many."""
    cdef const int32_t* starts = <const int32_t*>found.data
    cdef Py_ssize_t i
    if found.size < 2 or starts[0] != 0 or starts[found.size - 1] != n:
        raise ValueError("the parts do not cover the whole")
    for i in range(found.size - 1):
        if starts[i + 1] - starts[i] < at_least:
            raise ValueError("a part is too short")
    return 0
