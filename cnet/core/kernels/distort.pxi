# Distorted images: an affine map and a field of small moves, both drawn at random, say where each pixel comes from.
#
# All numbers come from the image's own key. Stream 0 of it: rotation, scale along x and y, shear, shift along x and y,
# place of the cut-out (y, x). Stream 1: noise of the field, x then y, row by row. Stream 2: the mixture.

cdef extern from "distort.h" namespace "CNET_ISA" nogil:
    cdef cppclass Motion:
        Motion() noexcept
        float x, y, xx, xy, yx, yy
    void sample_image[T](const Distortion* p, const Motion& motion, const float* field, const T* padded, T* out) noexcept
    void noise_of_words(const Distortion* p, const uint32_t* words, float* noise) noexcept


cdef inline double from_minus_one(uint32_t word) noexcept nogil:
    """From -1 up to 1."""
    return <double><int32_t>word / 2147483648.0


cdef inline Motion motion_of(
    const Distortion* p, const DistortionLimits* limits, const uint32_t* words
) noexcept nogil:
    """The inverse of: shear, scale, turn around the middle, then shift.

    The ink moves by turn . [[1, shear], [0, 1]] . diag(scales); a pixel comes from where its inverse leads.
    """
    cdef Motion motion
    cdef double angle = limits.rotation * from_minus_one(words[0])
    cdef double scale_x = 1 + limits.scale * from_minus_one(words[1])
    cdef double scale_y = 1 + limits.scale * from_minus_one(words[2])
    cdef double shear = limits.shear * from_minus_one(words[3])
    cdef double cosine = cos(angle), sine = sin(angle)
    cdef double xx = (cosine + shear * sine) / scale_x, xy = (sine - shear * cosine) / scale_x
    cdef double yx = -sine / scale_y, yy = cosine / scale_y
    cdef double middle_x = 0.5 * (p.width - 1), middle_y = 0.5 * (p.height - 1)
    cdef double from_x = -middle_x - limits.shift * from_minus_one(words[4])
    cdef double from_y = -middle_y - limits.shift * from_minus_one(words[5])
    # One pixel of background lies before the image.
    motion.x = <float>(middle_x + xx * from_x + xy * from_y + 1)
    motion.y = <float>(middle_y + yx * from_x + yy * from_y + 1)
    motion.xx, motion.xy, motion.yx, motion.yy = <float>xx, <float>xy, <float>yx, <float>yy
    return motion


cdef inline void draw_field(
    const Distortion* p, const DistortionRoom* room, uint64_t key, float factor
) noexcept nogil:
    """The field (height, 2, ld): uniform noise, smoothed down the columns and across the rows, times `factor`."""
    cdef Py_ssize_t i, counters = (2 * p.height * p.width + 3) // 4
    for i in range((counters + DROPOUT_COUNTERS - 1) // DROPOUT_COUNTERS):
        philox_neighbours(key, <uint32_t>(i * DROPOUT_COUNTERS), 0, 1, room.words + i * DROPOUT_WORDS)
    noise_of_words(p, room.words, room.noise)
    product(p.height, p.ld + p.width, p.height, p.down, p.height, 1, <const float*>room.noise, 2 * p.ld, <float>1,
            p.zeros, 0, room.smoothed, 2 * p.ld, <float*>NULL)
    product(2 * p.height, p.width, p.width, <const float*>room.smoothed, p.ld, 1, p.across, p.ld, factor,
            p.zeros, 0, room.field, p.ld, <float*>NULL)


cdef inline void wipe_out(const Distortion* p, const uint32_t* words, source* image) noexcept nogil:
    """A square around a random pixel becomes background; it may reach beyond the image."""
    cdef Py_ssize_t top = <Py_ssize_t>(<uint64_t>words[6] * <uint64_t>p.height >> 32) - p.cut_out // 2
    cdef Py_ssize_t left = <Py_ssize_t>(<uint64_t>words[7] * <uint64_t>p.width >> 32) - p.cut_out // 2
    cdef Py_ssize_t r, c
    for r in range(max(<Py_ssize_t>0, top), min(p.height, top + p.cut_out)):
        for c in range(max(<Py_ssize_t>0, left), min(p.width, left + p.cut_out)):
            image[r * p.width + c] = <source>p.background


cdef inline void distort_as(
    const source* image, const Distortion* p, const DistortionRoom* room, const Motion& motion, const float* field,
    const uint32_t* words, source* out,
) noexcept nogil:
    cdef source* padded = <source*>room.padded
    cdef Py_ssize_t r
    # The background around it stays.
    for r in range(p.height):
        memcpy(padded + (r + 1) * p.ld_padded + 1, image + r * p.width, p.width * sizeof(source))
    sample_image(p, motion, field, <const source*>padded, out)
    if p.cut_out:
        wipe_out(p, words, out)


cdef void distort(
    const Distortion* p, const DistortionRoom* room, const DistortionLimits* limits, uint64_t key, const void* image,
    void* out,
) noexcept nogil:
    """One image, as the numbers of its key say."""
    cdef uint32_t words[8]
    cdef const float* field = NULL
    cdef Motion motion
    philox4x32(key, 0, 0, 0, words)
    philox4x32(key, 1, 0, 0, words + 4)
    motion = motion_of(p, limits, words)
    if limits.elastic > 0:
        draw_field(p, room, key, limits.elastic)
        field = room.field
    if p.source == CNET_UINT8:
        distort_as(<const uint8_t*>image, p, room, motion, field, words, <uint8_t*>out)
    elif p.source == CNET_FLOAT32:
        distort_as(<const float*>image, p, room, motion, field, words, <float*>out)
    else:
        distort_as(<const double*>image, p, room, motion, field, words, <double*>out)
