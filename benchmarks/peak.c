/* What the machine can do at most: multiply-adds in registers, and streams through memory.
 *
 * Compiled when machine.py runs, for the processor that it runs on. Each function works on one
 * thread; machine.py calls it on several at once. */
#include <stddef.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif

#if defined(__x86_64__)
#define KEEP(value) __asm__ volatile("" : "+v"(value))
#elif defined(__aarch64__)
#define KEEP(value) __asm__ volatile("" : "+w"(value))
#else
#define KEEP(value) __asm__ volatile("" : "+m"(value))
#endif

/* Twelve sums at once hide the latency of a multiply-add on every processor that is known to us
 * (4 cycles, 2 a cycle), and fit into 16 registers. They are variables of their own, not an array,
 * so that the compiler keeps them in registers; KEEP makes it believe that they are used. */
#define STEP(sum)                                                                              \
    sum = sum * factor + term;                                                                 \
    KEEP(sum);
#define ALL(DO) DO(s0) DO(s1) DO(s2) DO(s3) DO(s4) DO(s5) DO(s6) DO(s7) DO(s8) DO(s9) DO(s10) DO(s11)
#define BEGIN(sum) vector sum = {0};
#define ADD(sum) total += sum;

#define DEFINE_PEAK(TYPE)                                                                      \
    /* Returns the number of floating point operations done. */                                \
    double peak_##TYPE(long rounds, TYPE *sink) {                                              \
        typedef TYPE vector __attribute__((vector_size(WIDTH)));                               \
        const long lanes = WIDTH / (long)sizeof(TYPE);                                         \
        vector factor = {0}, term = {0}, total = {0};                                          \
        ALL(BEGIN)                                                                             \
        factor += sink[0];                                                                     \
        term += sink[1];                                                                       \
        for (long round = 0; round < rounds; round++) {                                        \
            ALL(STEP)                                                                          \
        }                                                                                      \
        ALL(ADD)                                                                               \
        for (long lane = 0; lane < lanes; lane++)                                              \
            sink[2] += total[lane];                                                            \
        return 2.0 * (double)rounds * 12 * (double)lanes;                                      \
    }

DEFINE_PEAK(float)
DEFINE_PEAK(double)

typedef long long words __attribute__((vector_size(WIDTH)));

/* Reads n bytes (a multiple of 8 * WIDTH, from an address that is a multiple of WIDTH). */
long long stream_read(const void *from, size_t n) {
    const words *p = from;
    words sums[8] = {{0}};
    for (size_t i = 0; i < n / WIDTH; i += 8)
        for (int k = 0; k < 8; k++)
            sums[k] ^= p[i + k];
    for (int k = 1; k < 8; k++)
        sums[0] ^= sums[k];
    return sums[0][0];
}

/* Copies n bytes with plain stores, as kernels do: reads from `from`, reads and writes `to`. */
void stream_update(void *to, const void *from, size_t n) {
    const words *p = from;
    words *q = to;
    for (size_t i = 0; i < n / WIDTH; i++)
        q[i] += p[i];
}
