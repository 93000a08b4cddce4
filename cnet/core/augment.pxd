# cython: language_level=3
"""augment.h for Cython: how images are distorted."""
from libc.stdint cimport uint32_t

cdef extern from "augment.h" nogil:
    enum:
        CNET_MAX_SIDE
        CNET_FIELD_LANES

    ctypedef struct DistortionLimits:
        float rotation, scale, shear, shift, elastic

    ctypedef struct Distortion:
        int source
        Py_ssize_t height, width
        const DistortionLimits* limits
        Py_ssize_t n_limits
        double background
        Py_ssize_t cut_out
        double mixup
        const float* down
        const float* across
        const float* zeros
        Py_ssize_t ld
        Py_ssize_t ld_padded
        Py_ssize_t pixel_bytes

    ctypedef struct DistortionRoom:
        void* padded
        void* partner
        uint32_t* words
        float* noise
        float* smoothed
        float* field
