// How images are distorted; see kernels/distort.pxi.
#ifndef CNET_AUGMENT_H
#define CNET_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

enum {
    // Sides of an image, at most: smoothing takes a matrix with that many rows and columns.
    CNET_MAX_SIDE = 1024,
    // Numbers of a column or row after the last are padding up to whole vectors.
    CNET_FIELD_LANES = 16,
};

// How far an image of one class is distorted at most: radians, shares, shares, pixels; and the factor on the field.
struct DistortionLimits {
    float rotation, scale, shear, shift, elastic;
};

struct Distortion {
    int source;                    // cnet_source of the images
    ptrdiff_t height, width;
    const DistortionLimits *limits;  // of each class, or one for all
    ptrdiff_t n_limits;
    double background;             // what lies around an image
    ptrdiff_t cut_out;             // side of the square that is wiped out, or 0
    double mixup;                  // both parameters of the beta distribution of the shares, or 0
    // The field: noise smoothed down the columns (height, height) and across the rows (width, ld).
    const float *down, *across, *zeros;
    ptrdiff_t ld;
    ptrdiff_t ld_padded;           // of an image with background around it: one pixel before, two after
    ptrdiff_t pixel_bytes;
};

// One thread's room.
struct DistortionRoom {
    void *padded;                  // (height + 3, ld_padded)
    void *partner;                 // (height, width): the other image of a mixture
    uint32_t *words;
    float *noise, *smoothed, *field;  // (height, 2, ld): x and y, row by row
};

#endif
