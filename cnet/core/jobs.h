// Pieces of work for the team: what every thread needs to find its own part.
#ifndef CNET_JOBS_H
#define CNET_JOBS_H

#include "structs.h"
#include "threads.h"

// Looking through rows of inputs before work on them begins.
template <class T> struct ScanJob {
    const Kernels<T>* kernels;
    const Inputs* x;
    ptrdiff_t rows;
    const int64_t* index;  // which rows, or NULL: the first ones
    int64_t* count;  // of each row: its non-zeros, or what is wrong (see count_nonzero)
};

// Forward only: probabilities, or losses. Each thread has a workspace of its own and
// takes blocks of rows through it.
template <class T> struct ForwardJob {
    const Kernels<T>* kernels;
    const Layers<T>* layers;
    const Inputs* x;
    Tiling tiling;
    Workspace<T>* workspaces;
    ptrdiff_t first, last;   // a chunk of the rows
    ptrdiff_t block;         // rows of a piece
    WorkQueue queue;
    int checked;             // whether all inputs are known to be finite;
    Flag nonfinite;               // raised where one is not
    T* out;                  // (rows, n_out), or NULL for losses
    Targets<T> targets;
    double* margin;          // of each row of the chunk: see Workspace
    double* total;
    uint8_t* correct;
};

// A mini-batch forward, backward and into the weights of `target`.
template <class T> struct BatchJob {
    const Kernels<T>* kernels;
    const Layers<T>* layers;
    const Layers<T>* target;
    Inputs x;
    Tiling tiling;
    Workspace<T> workspace;
    Targets<T> targets;
    ptrdiff_t rows;
    double divisor;          // the sum of the rows' weights
    double scale;            // target += scale * gradient,
    int stepped;             // or, where set, these steps of an optimizer:
    Step<T> step, bias_step;
    const Layers<T>* state[2];
    int skipped;             // a batch whose weights sum to 0 makes no step
    T input_scale;           // what an input that is kept is worth (see Dropout)
    Barrier* barrier;
};

// The images of a fit's mini-batches, each distorted anew (see _augment).
template <class T> struct Augmentation {
    Distortion distortion;
    DistortionRoom* rooms;   // each thread's
    void (*distort)(const Distortion*, const DistortionRoom*, const DistortionLimits*, uint64_t, const void*, void*);
    Inputs x;                // the data, of n_rows rows
    Targets<T> targets;
    ptrdiff_t n_rows, n_out;
    int64_t* identity;       // a batch's rows are in their places
};

// A gradient that is asked for once: pieces of three kinds, see _gradient.
template <class T> struct GradientJob {
    BatchJob<T> batch;       // its target: room for a sparse first layer's rows, padded
    Layers<T> parameters;     // with the upper layers' weights transposed beside them
    Layers<T> padded;
    Layers<T> result;         // contiguous: rows follow each other without a gap
    int added;               // whether to add to the result, or to write it
    int first_dense;         // the lowest layer with dense inputs
    ptrdiff_t row_block;     // rows of a piece
    ptrdiff_t weight_block[CNET_MAX_LAYERS];  // weight rows of a piece, layer by layer
    T* padded_rows;          // of each thread in turn, for what is not written at once
    ptrdiff_t padded_size;
    const T* zeros;
    int checked;             // as above
    Flag nonfinite;
    WorkQueue parts_forward, transposes, rows, parts_back, weights;
};

// What a fit does besides the gradient, and the optimizer's numbers; see options.py.
struct FitNumbers {
    int optimizer;           // its number in the vocabulary
    int n_states;
    int corrected;           // whether the moments are corrected for their beginning at 0 (Adam)
    double momentum, decay, epsilon;
    double shrink;           // decoupled weight decay
    double penalty;          // L2
    double clip_norm, max_norm, averaging;  // 0: without
    // scikit-learn's form: the rate is a factor on the gradient, before the state (Adam: its epsilon is added before
    // the correction);
    int rate_inside;
    int shared;              // and the penalty is divided by the weight of the batch's rows.
};

// A whole fit: see _trainer.
template <class T> struct FitJob {
    // Of even and of odd iterations: one thread prepares the next while others still end this one.
    BatchJob<T> batch[2];
    int last[2];             // whether the epoch or the tick ends with this iteration
    Barrier barrier;
    FitNumbers numbers;
    Layers<T> layers;          // private, padded copy of the parameters
    int separate;            // whether the gradient is summed first and applied then
    Layers<T> gradient;       // only where it is
    Layers<T> state[2];       // the optimizer's
    Layers<T> average;        // of the parameters, where asked for
    double* norms;           // of each weight row and bias: the squares of its gradient
    int64_t steps;           // of the optimizer, since its state began
    int dropping;            // whether there is dropout
    T move;                  // how far the inputs of every second batch are moved, or 0
    int drawing;             // whether there is dropout or noise
    Dropout<T> dropout[3];   // of this iteration, of the next and of the one before, in turn
    ptrdiff_t block;         // rows that a workspace holds
    ptrdiff_t n_rows, batch_size;
    int64_t* index[3];       // rows of this batch, of the next and of the one after, in turn
    Augmentation<T>* augmentation;  // or NULL: rows are read where they stand
    int64_t* order;          // this epoch's order, or NULL: drawn with replacement
    uint64_t key;
    uint32_t epoch;          // its number in the stream of random numbers
    // Iterations are counted from the beginning of the fit.
    ptrdiff_t per_epoch, total;
    ptrdiff_t epoch_begin, epoch_end;
    ptrdiff_t iteration;
    ptrdiff_t until;         // at which to come back
    int over;                // whether to come back after the iteration under way
    const double* rates;     // learning rate of each iteration
    double started;          // when this tick began
    double tick;             // how many seconds it lasts
    double patience;         // seconds that all threads together may wait before it ends early
    ptrdiff_t measured_iterations;  // of the last tick, with how long it took and how long each thread waited
    double measured_seconds, measured_waits;
    double* loss;            // of each iteration
    double correct, weighed; // of this epoch: the weights of rows classified right, and of all
    int has_accuracy;        // whether the loss has one
    double* accuracies;      // of each epoch that this tick has reached: its accuracy so far
    double* last_rates;      // and the rate of its last iteration so far;
    ptrdiff_t n_noted;       // how many these are
    double loss_sum;         // of the batch under way
    int given;               // whether the caller gives the orders of epochs: of so many, up to this iteration
    ptrdiff_t given_until;
    int64_t* next_order;     // of the next epoch
    double* next_sums;       // where its sums belong
    double* sums;            // of this epoch: the sums of its batches' losses and shared penalties, times their rows
    double* row_squares;     // of each weight row: its sum of squares, where the penalty is shared; or NULL
    int stop, diverged;
};

#endif
