// Plain data that entry points, the trainer and the kernels hand to each other.
// Sizes count elements; `ld` is the distance between two rows of a matrix.
#ifndef CNET_STRUCTS_H
#define CNET_STRUCTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "augment.h"
#include "cnet_limits.h"

// A vocabulary: the activations, losses or optimizers that the kernels know, by name. A word's number is its place.
struct Word {
    const char *name;
    // Of an activation: see cnet_activation_property.
    // Of a loss: which targets it takes, see cnet_targets. Of an optimizer: how many arrays of state it has.
    int property;
};

struct Vocabulary {
    int n;
    const Word *words;
};

// The first words, which other files name too: no activation; plain gradient descent, whose step is fused.
enum { CNET_IDENTITY = 0, CNET_SGD = 0 };

enum cnet_activation_property {
    CNET_STORED_SLOPE = 1,         // its slope is stored in the forward pass (else it follows from the value)
    CNET_MANY_ZEROS = 2,           // half of its values are 0, or more
};

// What a loss takes as targets: class indices, or values, or either.
enum cnet_targets {
    CNET_LABELS = 1,
    CNET_VALUES = 2,
    CNET_ACCURACY = 4,             // it can be classified right
    CNET_SHARES = 8,               // values from 0 to 1
    CNET_POSITIVE = 16,            // values of 0 or more
    CNET_DISTRIBUTION = 32,        // values from 0 to 1 whose sum is 1 in each row
    CNET_SMOOTHING = 64,           // label smoothing has a meaning
};

// The element-wise functions of _functions.
enum cnet_function {
    FUNCTION_SIGMOID, FUNCTION_SIGMOID_GRAD, FUNCTION_RELU, FUNCTION_RELU_GRAD, FUNCTION_TANH
};

// 1 / k!, the coefficients of the exponential's series.
static const double RECIPROCAL_FACTORIAL[14] = {
    1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
    1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0
};

// The element type of the inputs.
enum cnet_source { CNET_UINT8, CNET_FLOAT32, CNET_FLOAT64 };

// A dense layer: a = x . weight + bias. `transposed` (n_out rows of ld_transposed)
// serves the way back and is NULL where nothing goes back through the layer.
template <class T> struct Layer {
    ptrdiff_t n_in, n_out, ld, ld_transposed;
    T *weight, *bias, *transposed;
    int activation;                // the last layer's is the identity: its outputs are scores
};

template <class T> struct Layers {
    int n_layers;
    int loss;
    double loss_parameter;
    Layer<T> layer[CNET_MAX_LAYERS];
};

// The targets of a row of the data: its label, or its values (the outputs' number of them).
template <class T> struct Targets {
    const int32_t *labels;         // or NULL
    const T *values;               // or NULL
    const double *weight;          // of each row; NULL: 1
    double smoothing;              // label smoothing
};

// Dropout in one mini-batch: which units are kept is drawn from (key, row, unit, layer). And the noise of its inputs,
// drawn from (key, row, column).
template <class T> struct Dropout {
    uint64_t key;                  // of this iteration
    ptrdiff_t first_row;           // of the block in the mini-batch
    uint32_t threshold[CNET_MAX_LAYERS + 1];  // a unit is kept whose word is at least that; layer 0: the inputs
    T scale[CNET_MAX_LAYERS + 1];  // 1 / (1 - p)
    T noise;                       // the standard deviation of what is added to (dense) inputs, or 0
};

// An optimizer's numbers in one iteration. What each means to which optimizer: see kernels/optimizers.pxi.
template <class T> struct Step {
    int kind;
    T rate;
    T momentum, rest;              // the first state's decay, and 1 less it
    T decay, decay_rest;           // the second state's
    T epsilon, root;               // added to the root of the second state times `root`
    T clip;                        // factor on the gradient
    T penalty;                     // L2: gradient += penalty * weight
    T shrink;                      // decoupled decay: weight *= shrink, before the step
};

// The inputs: n_in columns at `data`, rows `stride` apart. Row r of a block is
// row index[r] of the data (or first + r where index is NULL).
// Compressed rows, which are always sparse: `data` holds the values of row r from starts[r] to starts[r + 1], whose
// columns ascend; `stride` and `end` have no meaning.
struct Inputs {
    int source;
    int sparse;
    int in_place;                  // dense rows of the network's type, used where they stand
    int many_zeros;                // of dense rows: so many are 0 that products had better pass over them
    ptrdiff_t n_in, stride, first;
    const void *data;
    const void *end;               // past the last element
    const int64_t *index;
    const int64_t *starts;         // of compressed rows, or NULL
    const int32_t *columns;
};

// Sparse inputs are cut by columns: into tiles of at most 64, so that a tile of a row
// is one word of a bitmap; and the tiles into parts. A part is one thread's at a time:
// its inputs, its weights and the sums over its columns. There are as many parts as the
// sizes say, whatever the number of threads, so that the sums' order never changes. More threads than parts share a
// part's units.
struct Tiling {
    ptrdiff_t n_tiles;
    int n_parts;
    const int32_t *start;          // first column of each tile, and n_in
    const uint8_t *paired;         // of each tile: whether neighbours are mostly zero in the same rows
    int32_t part[CNET_MAX_PARTS + 1];  // first tile of each part, and n_tiles
};

// The rows of a mini-batch by tiles: values[tile] (capacity, 64), as bytes or in the
// network's type; mask[tile] (capacity,): which of a row's 64 are not zero. Masks of rows
// past the last are zero.
struct SparseRows {
    ptrdiff_t rows;
    ptrdiff_t capacity;            // a multiple of 64
    void *values;
    uint64_t *mask;
    ptrdiff_t copy_bytes, copy_words;  // from one copy to the next of values and of masks: see `share_of_first_layer`
};

// What a block of rows leaves behind on its way through the layers.
// z[l] are the outputs of layer l (the last: scores, then probabilities),
// d[l] the derivatives of the loss by that layer's pre-activations.
template <class T> struct Workspace {
    ptrdiff_t capacity;            // rows
    ptrdiff_t ld_x;
    T *x;                          // dense inputs (capacity, ld_x), or NULL
    ptrdiff_t ld[CNET_MAX_LAYERS];
    T *z[CNET_MAX_LAYERS];
    T *d[CNET_MAX_LAYERS];
    T *slope[CNET_MAX_LAYERS];     // the derivatives of z by the pre-activations, or NULL: they follow from z
    // Of hidden layers many of whose values are 0 (else NULL): bitmaps of z[l], a row's words side by side, and how
    // many of a row are not zero; whether products pass over the zeros of z[l] and d[l] in this block.
    uint64_t *nonzero[CNET_MAX_LAYERS];
    ptrdiff_t words[CNET_MAX_LAYERS];
    int32_t *n_nonzero[CNET_MAX_LAYERS];
    int passes_zeros[CNET_MAX_LAYERS];
    int decides;                   // whether the forward pass decides that, by the block's rows
    uint64_t *nonzero_x;           // bitmaps of dense inputs many of which are 0, words_x for each row; or NULL
    ptrdiff_t words_x;
    uint64_t *nonzero_d;           // room for the bitmaps of one layer's d: most_words for each row
    ptrdiff_t most_words;
    const T *zeros;                // as many as the widest row has
    const Dropout<T> *dropout;     // or NULL
    T move;                        // how far inputs are moved to where their loss is larger, or 0
    T *d_x;                        // room for the derivatives by the inputs (capacity, ld_x), or NULL
    double *margin;                // of each row: its loss is margin + log(total); see kernels/losses.pxi
    double *total;
    uint8_t *correct;              // of each row: whether it is classified right
    uint8_t *suspect;              // of each row: whether its dense inputs may be infinite or NaN; or NULL: not asked
    SparseRows sparse;             // sparse inputs
    T *sums;                       // of the first layer, part by part: (n_parts, capacity, ld[0])
    T *scratch;                    // for products: each thread's room in turn, Kernels.scratch elements
    T *gradient;                   // for steps: each thread's room in turn, gradient_size elements
    ptrdiff_t gradient_size;
};

// One first_layer_pass over a part of the first layer's columns, tile by tile, while a tile's weights
// are in the nearest cache: update them by the batch whose deltas are known, then gather the
// next batch's inputs and begin its forward pass.
template <class T> struct FirstLayerPass {
    const Tiling *tiling;
    int source;
    // Update: target.weight += scale * old^T d; no update where old is NULL.
    const SparseRows *old;
    const T *d;
    ptrdiff_t ld;                  // of d and sums
    ptrdiff_t begin_unit, end_unit;  // of the layer's units: those of the weights and sums that are taken
    const Layer<T> *target;
    T scale;
    // Or, with another optimizer: its step with a tile's whole gradient.
    const Step<T> *step;           // or NULL
    const Layer<T> *state0, *state1;
    T *gradient;                   // room for a tile's gradient: CNET_TILE rows of CNET_TILE_BYTES bytes
    const Dropout<T> *dropout;     // of next's inputs
    T input_scale;                 // what the old inputs are worth: 1, or dropout's scale
    // Forward: sums[part] = next . layer.weight; no forward where next is NULL.
    const Layer<T> *layer;
    const Inputs *x;               // where next's rows are gathered from
    SparseRows *next;
    T *sums;
    const int64_t *after;          // rows that the batch after the next will take, or NULL
    ptrdiff_t n_after;
};

// A block of samples after its forward pass, for central differences. Matrices have a row for
// each unit and `ld` columns, the samples, of which `rows` are taken: padding is not moved.
struct Differences {
    const Layer<double> *hidden, *output;
    int activation;
    ptrdiff_t rows, ld;
    double h;
    double most_move;              // of a pre-activation, for which the moments' series is exact
    double scale;                  // 1 / (2 h N)
    double *x;                     // (I + 1, ld) inputs, and 1 for the bias
    double *a;                     // (H, ld) pre-activations
    double *z;                     // (H + 1, ld) activations, and 1 for the bias
    double *log_p;                 // (O, ld) logarithms of the probabilities
    double *log_rest;              // (O, ld) and of the sum of all the others
    ptrdiff_t ld_hidden;           // H in whole vectors
    double *weight_t;              // (O, ld_hidden) the output layer's weights, transposed
    double *of_units;              // (ld, CNET_UNIT_ROWS, ld_hidden) each sample's a, z and moments
    int32_t *labels;               // (ld,)
    double *dW1, *db1, *dW2, *db2; // to which the derivatives are added; contiguous
};

// What an instruction set offers. One table for each element type.
template <class T> struct Kernels {
    int lanes;
    ptrdiff_t scratch;             // elements of room that products need
    ptrdiff_t panel;               // but for those of so few columns
    // Rows begin..end of a block through all layers: scores in the last z. Sparse inputs'
    // first layer has been summed by `first_layer_pass` or `compressed_sums`. Here and below: `scratch` is this thread's room for products.
    void (*forward)(const Layers<T>*, const Inputs*, const Tiling*, Workspace<T>*, T* scratch, ptrdiff_t begin, ptrdiff_t end);
    // A part of the first layer, for sparse inputs.
    void (*first_layer_pass)(const FirstLayerPass<T>*, int part);
    // The first layer's sums (rows, ld) over compressed rows from Inputs.first on, without tiles: predictions and losses.
    void (*compressed_sums)(const Layer<T>*, const Inputs*, ptrdiff_t rows, T* sums, ptrdiff_t ld);
    // Scores to predictions, in place.
    void (*predict)(const Layers<T>*, Workspace<T>*, ptrdiff_t begin, ptrdiff_t end);
    // From scores: the loss of each row, and whether it is classified right.
    void (*losses)(const Layers<T>*, const Inputs*, const Targets<T>*, Workspace<T>*, ptrdiff_t begin, ptrdiff_t end);
    // Dense inputs, whose d are known, to where their loss is larger (see kernels/adversarial.pxi).
    void (*move_inputs)(const Layers<T>*, Workspace<T>*, T* scratch, ptrdiff_t begin, ptrdiff_t end);
    // From scores: loss, correct, and d of every layer; `divisor` is the sum of the batch's weights.
    void (*backward)(const Layers<T>*, const Inputs*, const Targets<T>*, Workspace<T>*, T* scratch, ptrdiff_t begin, ptrdiff_t end, double divisor);
    // out (end - begin, n_out) = base + scale * inputs^T d: weight rows begin..end of a layer with dense inputs.
    void (*weight_rows)(const Workspace<T>*, T* scratch, int layer, ptrdiff_t n_out, ptrdiff_t rows, ptrdiff_t begin, ptrdiff_t end, double scale, const T* base, ptrdiff_t ld_base, T* out, ptrdiff_t ld_out);
    // c (m, n) = base + scale * a . b, where a[i, k] stands at a[i * a_row + k * a_step].
    void (*product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const T* a, ptrdiff_t a_row, ptrdiff_t a_step, const T* b, ptrdiff_t ld_b, T scale, const T* base, ptrdiff_t ld_base, T* c, ptrdiff_t ld_c, T* scratch);
    // The same where many factors are zero, of which bitmaps tell, and the bitmaps of rows (see kernels/zeros.pxi).
    void (*nonzero_product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const T* a, ptrdiff_t a_row, ptrdiff_t a_step, const uint64_t* mask, ptrdiff_t mask_row, ptrdiff_t mask_step, const T* b, ptrdiff_t ld_b, T scale, const T* base, ptrdiff_t ld_base, T* c, ptrdiff_t ld_c, T* scratch);
    void (*find_nonzero)(ptrdiff_t rows, ptrdiff_t n, const T* x, ptrdiff_t ld, uint64_t* mask, int32_t* count);
    // target.bias += scale * sum of d over the rows.
    void (*accumulate_bias)(const Layers<T>* target, Workspace<T>*, int layer, ptrdiff_t rows, double scale);
    // One step of an optimizer on n elements (whole vectors) of weights and state.
    void (*step)(const Step<T>*, ptrdiff_t n, const T* gradient, T* weight, T* state0, T* state1);
    // Element-wise functions of _functions; n is a multiple of nothing.
    void (*apply)(int function, ptrdiff_t n, const T* x, T* out);
    void (*softmax_rows)(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out);
    // How many of n inputs are not zero (-1: not finite, -2: too large for T).
    int64_t (*count_nonzero)(int source, ptrdiff_t n, const void* x);
};

struct KernelTable {
    const char *name;
    size_t vector_bytes;
    Vocabulary activations, losses, optimizers;
    Kernels<float> float32;
    Kernels<double> float64;
    // Central differences: one vector of samples forward, then the derivatives by the weights that
    // leave one input (scratch: O + 4 vectors), and by those that leave one hidden unit.
    void (*difference_forward)(const Differences*, ptrdiff_t sample);
    void (*difference_hidden)(const Differences*, ptrdiff_t input, double* scratch);
    void (*difference_output)(const Differences*, ptrdiff_t unit);
    // An image of its key's numbers, distorted; one thread's room.
    void (*distort)(const Distortion*, const DistortionRoom*, const DistortionLimits*, uint64_t key, const void* image, void* out);
};

#endif
