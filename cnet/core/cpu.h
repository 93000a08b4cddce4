// Which instruction sets this processor has and this system saves.
#ifndef CNET_CPU_H
#define CNET_CPU_H

#include <stdint.h>

enum { CNET_HAS_AVX2 = 1, CNET_HAS_AVX512 = 2 };

#if defined(__x86_64__) || defined(_M_X64)

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
static inline void cnet_cpuid(uint32_t leaf, uint32_t r[4]) { __cpuidex((int*)r, (int)leaf, 0); }
static inline uint64_t cnet_xgetbv(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static inline void cnet_cpuid(uint32_t leaf, uint32_t r[4]) {
    r[0] = r[1] = r[2] = r[3] = 0;
    __get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]);
}
static inline uint64_t cnet_xgetbv(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}
#endif

// The processor's feature bits say what it could do; XCR0 says which registers the
// system saves when it switches threads. Both are needed.
static inline int cnet_cpu_features(void) {
    const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    const uint32_t avx2 = (1u << 3) | (1u << 5);  // BMI1 too
    const uint32_t avx512 = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);  // F, DQ, BW, VL
    uint32_t r[4];
    int features = 0;
    uint64_t saved;
    cnet_cpuid(0, r);
    if (r[0] < 7) return 0;
    cnet_cpuid(1, r);
    if ((r[2] & (fma | osxsave | avx)) != (fma | osxsave | avx)) return 0;
    saved = cnet_xgetbv();
    if ((saved & 0x6) != 0x6) return 0;
    cnet_cpuid(7, r);
    if ((r[1] & avx2) == avx2) {
        features |= CNET_HAS_AVX2;
        if ((saved & 0xe6) == 0xe6 && (r[1] & avx512) == avx512) features |= CNET_HAS_AVX512;
    }
    return features;
}

#else
static inline int cnet_cpu_features(void) { return 0; }
#endif

#endif
