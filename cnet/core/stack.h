// Plain data that the door, the trainer and the kernels hand to each other.
// Sizes count elements; `ld` is the distance between two rows of a matrix.
#ifndef CNET_STACK_H
#define CNET_STACK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CNET_MAX_LAYERS = 8 };

enum cnet_activation { CNET_IDENTITY, CNET_SIGMOID, CNET_RELU, CNET_TANH };

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
};

template <class T> struct Stack {
    int n_layers;
    int activation;
    Layer<T> layer[CNET_MAX_LAYERS];
};

// A non-zero input: which column, and how much. A pixel is packed into one word,
// the integer 1..255 as a bfloat16 (exact) above the column.
struct Nonzero32 { uint32_t index; float value; };
struct Nonzero64 { double value; uint32_t index; };

static inline float cnet_pixel_value(uint32_t word) {
    uint32_t high = word & 0xffff0000u;
    float value;
    memcpy(&value, &high, sizeof value);
    return value;
}

static inline uint32_t cnet_pixel_word(float value, uint32_t index) {
    uint32_t high;
    memcpy(&high, &value, sizeof high);
    return high | index;
}

// The inputs: n_in columns at `data`, rows `stride` apart. Row r of a block is
// row index[r] of the data (or first + r where index is NULL). Where lists of
// non-zeros were found beforehand, row i's are entries[start[i] .. start[i + 1]).
struct Inputs {
    int source;
    int sparse;
    ptrdiff_t n_in, stride, first;
    const void *data;
    const int64_t *index;
    const int64_t *start;
    const void *entries;
};

// What a block of rows leaves behind on its way through the layers.
// z[l] are the outputs of layer l (the last: scores, then probabilities),
// d[l] the derivatives of the loss by that layer's pre-activations.
template <class T> struct Tape {
    ptrdiff_t capacity;            // rows
    ptrdiff_t ld_x;
    T *x;                          // dense inputs (capacity, ld_x), or NULL
    ptrdiff_t ld[CNET_MAX_LAYERS];
    T *z[CNET_MAX_LAYERS];
    T *d[CNET_MAX_LAYERS];
    double *loss;                  // of each row
    uint8_t *correct;              // of each row
    const void **row_entries;      // sparse inputs: of each row, its non-zeros
    int64_t *row_count;
    void *entries;                 // room for lists found on the way (capacity, n_in)
    int32_t *column_count;         // the same lists by column: (n_in,)
    void *column_entries;          // (n_in, capacity)
};

// What an instruction set offers. One table for each element type.
template <class T> struct Kernels {
    int lanes;
    // Rows first..last of a block through all layers: scores in the last z.
    void (*forward)(const Stack<T>*, const Inputs*, Tape<T>*, ptrdiff_t first, ptrdiff_t last);
    // Scores to probabilities, in place.
    void (*softmax)(const Stack<T>*, Tape<T>*, ptrdiff_t first, ptrdiff_t last);
    // From scores: the loss of each row, and whether its largest score is its label's.
    void (*cross_entropy)(const Stack<T>*, Tape<T>*, const int32_t* labels, ptrdiff_t first, ptrdiff_t last);
    // From scores: loss, correct, and d of every layer; `divisor` is the batch size.
    void (*backward)(const Stack<T>*, Tape<T>*, const int32_t* labels, ptrdiff_t first, ptrdiff_t last, double divisor);
    // Sparse inputs by column, for columns first..last of the block's `rows` rows.
    void (*transpose)(const Inputs*, Tape<T>*, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t last);
    // target.weight[first..last] += scale * inputs^T d, for one layer.
    void (*accumulate_weight)(const Stack<T>* target, const Inputs*, Tape<T>*, int layer, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t last, double scale);
    // target.bias += scale * sum of d over the rows.
    void (*accumulate_bias)(const Stack<T>* target, Tape<T>*, int layer, ptrdiff_t rows, double scale);
    // Element-wise functions of _functions; n is a multiple of nothing.
    void (*apply)(int function, ptrdiff_t n, const T* x, T* out);
    void (*softmax_rows)(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out);
    // How many of n inputs are not zero (-1: not finite, -2: too large for T).
    int64_t (*count_nonzero)(int source, ptrdiff_t n, const void* x);
    // The non-zeros of n inputs, in order; returns how many.
    int64_t (*find_nonzero)(int source, ptrdiff_t n, const void* x, void* entries);
};

struct KernelTable {
    const char *name;
    size_t vector_bytes;
    Kernels<float> float32;
    Kernels<double> float64;
};

#endif
