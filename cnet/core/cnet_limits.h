// The limits that more than one file depends on, and what must hold between them. (A file called limits.h would take
// the place of the C library's.)
#ifndef CNET_LIMITS_H
#define CNET_LIMITS_H

enum {
    // Affine layers: sixteen hidden layers and the output layer.
    CNET_MAX_LAYERS = 17,
    // Columns of a tile of sparse inputs: one word of a bitmap for each row.
    CNET_TILE = 64,
    CNET_MAX_PARTS = 8,
    // Rows that go through the layers at once, at most.
    CNET_BLOCK_ROWS = 1024,
    // Words of a column's bitmap over a block's rows, 64 rows each. The kernels keep this many for each column of
    // a tile on their stack.
    CNET_MAX_WORDS = 16,
    // Rows of a product's block of registers; tasks of a gradient are cut into whole ones.
    CNET_STRIP_ROWS = 6,
    // Vectors of a product that passes over zeros: as many sums in registers as chains of multiply-adds need to overlap.
    CNET_ZEROS_VECTORS = 8,
    // Bytes of a weight row in a tile that the kernels take at a time, at most.
    CNET_TILE_BYTES = 256,
    // Moments of a hidden unit's weights that central differences need, and the numbers that they keep of a unit.
    CNET_MOMENTS = 6,
    CNET_UNIT_ROWS = 2 + CNET_MOMENTS,
    // Lanes of the widest vector.
    CNET_MAX_LANES = 16,
};

static_assert(CNET_TILE == 64, "a tile's bitmap is a word of 64 bits");
static_assert(CNET_MAX_WORDS * 64 == CNET_BLOCK_ROWS, "a bitmap's words hold the rows of a block");
static_assert(CNET_MAX_WORDS * CNET_TILE * 8 <= 16384, "a tile's bitmaps leave room on the smallest stack of a thread");

#endif
