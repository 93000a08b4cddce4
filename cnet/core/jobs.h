// Pieces of work for the team: what every member needs to find its own part.
#ifndef CNET_JOBS_H
#define CNET_JOBS_H

#include "stack.h"
#include "threads.h"

// Looking through rows of inputs before work on them begins.
template <class T> struct ScanJob {
    const Kernels<T>* kernels;
    const Inputs* x;
    ptrdiff_t rows;
    const int64_t* index;  // which rows, or NULL: the first ones
    int64_t* count;  // of each row: its non-zeros, or what is wrong (see count_nonzero)
};

// Forward only: probabilities, or losses. Each member has a tape of its own and
// takes its rows through it in tiles.
template <class T> struct ForwardJob {
    const Kernels<T>* kernels;
    const Stack<T>* stack;
    const Inputs* x;
    Tape<T>* tapes;
    ptrdiff_t first, last;
    T* out;                  // (rows, n_out), or NULL for losses
    const int32_t* labels;
    double* loss;
    uint8_t* correct;
};

// A mini-batch forward, backward and into the weights of `target`.
template <class T> struct BatchJob {
    const Kernels<T>* kernels;
    const Stack<T>* stack;
    const Stack<T>* target;
    Inputs x;
    Tape<T> tape;
    const int32_t* labels;
    ptrdiff_t rows;
    double divisor;          // the mean is over so many rows
    double scale;            // target += scale * gradient
    Barrier barrier;
};

// A whole fit: see _trainer.
template <class T> struct FitJob {
    BatchJob<T> batch;
    Stack<T> stack;          // private, padded copy of the parameters
    Stack<T> gradient;       // only where a batch takes more than one block
    ptrdiff_t block;         // rows that a tape holds
    ptrdiff_t n_rows, batch_size;
    const int32_t* all_labels;
    int32_t* labels;         // of this batch
    int64_t* index;          // rows of this batch
    const int64_t* order;    // this epoch's order, or NULL: drawn with replacement
    double learning_rate;
    uint64_t key;
    uint32_t epoch;
    ptrdiff_t iteration;     // within the epoch
    ptrdiff_t until;         // iteration at which to come back
    double seconds;          // or after so long
    double started;
    double* loss;            // of each iteration of the epoch
    int64_t correct;         // samples of this epoch that were read right
    double loss_sum;         // of the batch under way
    int stop, diverged;
};

// The non-zeros of many rows into one array.
struct ListJob {
    int64_t (*find_nonzero)(int source, ptrdiff_t n, const void* x, void* entries);
    const Inputs* x;
    ptrdiff_t rows;
    const int64_t* start;    // of each row's list; an empty one is not looked for
    char* entries;
    ptrdiff_t entry_size;
    char* scratch;           // a row's worth for each member
};

#endif
