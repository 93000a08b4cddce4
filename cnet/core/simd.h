// A vector of the widest kind that the instruction set of this compilation has,
// and the dozen operations that the kernels need.
//
// vec<float> and vec<double> wrap the compiler's own vector types (GCC, Clang),
// or a small array that the compiler unrolls (others). The namespace carries the
// name of the instruction set (CNET_ISA, set by the build), so that two
// compilations of this file can never share an inline function.
#ifndef CNET_SIMD_H
#define CNET_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmath>

#include "cnet_limits.h"

#ifndef CNET_ISA
#error "CNET_ISA must name the instruction set of this compilation"
#endif

#if defined(__AVX512F__)
#define CNET_VECTOR_BYTES 64
#define CNET_REGISTERS 32
#elif defined(__AVX__)
#define CNET_VECTOR_BYTES 32
#define CNET_REGISTERS 16
#else
#define CNET_VECTOR_BYTES 16
#if defined(__aarch64__) || defined(_M_ARM64)
#define CNET_REGISTERS 32
#else
#define CNET_REGISTERS 16
#endif
#endif

#if defined(__AVX__) || defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define CNET_INLINE inline __attribute__((always_inline))
#ifndef CNET_VECTOR_EXTENSION
#define CNET_VECTOR_EXTENSION 1
#endif
#else
#define CNET_INLINE __forceinline
#define CNET_VECTOR_EXTENSION 0
#endif

namespace CNET_ISA {

// How many vectors wide a register block is at most: with 32 registers 6 rows x 4
// vectors of sums leave room for their factors, with 16 registers 4 x 3 do (and 6 x 2).
static const int BLOCK_VECTORS = CNET_REGISTERS == 32 ? 4 : 3;
// Whether a row of a product's panel is a line or two of a cache only.
static const int NARROW_PANELS = BLOCK_VECTORS * CNET_VECTOR_BYTES < 128;
// And of the sparse kernels, whose block is one row: 256 bytes, so that 64 rows of
// weights stay in the first cache; half of it where vectors are short.
static const int SPARSE_VECTORS = CNET_VECTOR_BYTES == 64 ? 4 : 8;
static const int FEW_REGISTERS = CNET_REGISTERS == 16;
// Two neighbouring columns are updated at once if their sums take so many registers each, at most; they take 2 more
// for the factors and 1 for the deltas.
static const int PAIRED_VECTORS = CNET_VECTOR_BYTES == 32 ? 6 : 4;
// With one vector more, of which half is enough, the two columns' halves share a register (0: never). AVX-512 has
// registers enough without it.
static const int JOINED_VECTORS = CNET_VECTOR_EXTENSION && CNET_VECTOR_BYTES == 32 ? 6 : 0;
static_assert(SPARSE_VECTORS * CNET_VECTOR_BYTES <= CNET_TILE_BYTES, "a tile's gradient has room");

template <class T> struct bits_of;
template <> struct bits_of<float> {
    typedef int32_t type;
    typedef uint32_t unsigned_type;
    static const int mantissa = 23;
    static const int32_t one = 0x3f800000, root_half = 0x3f3504f3;
};
template <> struct bits_of<double> {
    typedef int64_t type;
    typedef uint64_t unsigned_type;
    static const int mantissa = 52;
    static const int64_t one = 0x3ff0000000000000LL, root_half = 0x3fe6a09e667f3bcdLL;
};

#if CNET_VECTOR_EXTENSION

template <class T> struct vec {
    typedef T lanes_type __attribute__((vector_size(CNET_VECTOR_BYTES)));
    typedef typename bits_of<T>::type bits_type __attribute__((vector_size(CNET_VECTOR_BYTES)));
    typedef typename bits_of<T>::unsigned_type unsigned_type __attribute__((vector_size(CNET_VECTOR_BYTES)));
    static const int lanes = CNET_VECTOR_BYTES / sizeof(T);
    static_assert(lanes <= CNET_MAX_LANES, "arrays of one vector are as long as the widest");
    lanes_type v;
};

template <class T> static CNET_INLINE vec<T> operator+(vec<T> a, vec<T> b) { a.v += b.v; return a; }
template <class T> static CNET_INLINE vec<T> operator-(vec<T> a, vec<T> b) { a.v -= b.v; return a; }
template <class T> static CNET_INLINE vec<T> operator*(vec<T> a, vec<T> b) { a.v *= b.v; return a; }
template <class T> static CNET_INLINE vec<T> operator/(vec<T> a, vec<T> b) { a.v /= b.v; return a; }

template <class T> static CNET_INLINE vec<T> vset(T x) {
    vec<T> a;
    a.v = x - (typename vec<T>::lanes_type){};
    return a;
}

// a * b + c, in one rounding where the instruction set has it.
template <class T> static CNET_INLINE vec<T> vfma(vec<T> a, vec<T> b, vec<T> c) { a.v = a.v * b.v + c.v; return a; }

#define CNET_FUSED(T, register_type, ...) \
    template <> CNET_INLINE vec<T> vfma(vec<T> a, vec<T> b, vec<T> c) { \
        register_type p = (register_type)a.v, q = (register_type)b.v, r = (register_type)c.v; \
        a.v = (vec<T>::lanes_type)(__VA_ARGS__); \
        return a; \
    }
#if defined(__AVX512F__)
CNET_FUSED(float, __m512, _mm512_fmadd_ps(p, q, r))
CNET_FUSED(double, __m512d, _mm512_fmadd_pd(p, q, r))
#elif defined(__FMA__)
CNET_FUSED(float, __m256, _mm256_fmadd_ps(p, q, r))
CNET_FUSED(double, __m256d, _mm256_fmadd_pd(p, q, r))
#elif defined(__aarch64__)
CNET_FUSED(float, float32x4_t, vfmaq_f32(r, p, q))
CNET_FUSED(double, float64x2_t, vfmaq_f64(r, p, q))
#endif
#undef CNET_FUSED

// a < b ? x : y, lane by lane; a NaN in a or b takes y.
template <class T> static CNET_INLINE vec<T> vselect_less(vec<T> a, vec<T> b, vec<T> x, vec<T> y) {
    typedef typename vec<T>::bits_type bits;
    bits mask = (bits)(a.v < b.v);
    vec<T> r;
    r.v = (typename vec<T>::lanes_type)((mask & (bits)x.v) | (~mask & (bits)y.v));
    return r;
}

// 2**n, where the integer n stands in the low bits of `shifted` (see vexp). Unsigned: the bits above n are shifted out.
template <class T> static CNET_INLINE vec<T> vpow2(vec<T> shifted) {
    typedef typename vec<T>::unsigned_type bits;
    vec<T> r;
    r.v = (typename vec<T>::lanes_type)(
        ((bits)shifted.v << bits_of<T>::mantissa) + (typename bits_of<T>::unsigned_type)bits_of<T>::one);
    return r;
}

// The way back, for positive normal x: round_bias with n in its low bits, where x / 2**n is
// from sqrt(1/2) up to sqrt(2).
template <class T> static CNET_INLINE vec<T> vexponent(vec<T> x, vec<T> round_bias) {
    typedef typename vec<T>::bits_type bits;
    bits n = ((bits)x.v - bits_of<T>::root_half) >> bits_of<T>::mantissa;
    x.v = (typename vec<T>::lanes_type)((bits)round_bias.v + n);
    return x;
}

#else  // a small array: for compilers without vector types

template <class T> struct vec {
    static const int lanes = CNET_VECTOR_BYTES / sizeof(T);
    T v[CNET_VECTOR_BYTES / sizeof(T)];
};

#define CNET_LANES for (int i = 0; i < vec<T>::lanes; i++)
template <class T> static CNET_INLINE vec<T> operator+(vec<T> a, vec<T> b) { CNET_LANES a.v[i] += b.v[i]; return a; }
template <class T> static CNET_INLINE vec<T> operator-(vec<T> a, vec<T> b) { CNET_LANES a.v[i] -= b.v[i]; return a; }
template <class T> static CNET_INLINE vec<T> operator*(vec<T> a, vec<T> b) { CNET_LANES a.v[i] *= b.v[i]; return a; }
template <class T> static CNET_INLINE vec<T> operator/(vec<T> a, vec<T> b) { CNET_LANES a.v[i] /= b.v[i]; return a; }
template <class T> static CNET_INLINE vec<T> vset(T x) { vec<T> a; CNET_LANES a.v[i] = x; return a; }
template <class T> static CNET_INLINE vec<T> vfma(vec<T> a, vec<T> b, vec<T> c) { CNET_LANES a.v[i] = a.v[i] * b.v[i] + c.v[i]; return a; }
template <class T> static CNET_INLINE vec<T> vselect_less(vec<T> a, vec<T> b, vec<T> x, vec<T> y) {
    CNET_LANES x.v[i] = a.v[i] < b.v[i] ? x.v[i] : y.v[i];
    return x;
}
template <class T> static CNET_INLINE vec<T> vpow2(vec<T> shifted) {
    typename bits_of<T>::unsigned_type n;
    CNET_LANES {
        memcpy(&n, &shifted.v[i], sizeof(T));
        n = (n << bits_of<T>::mantissa) + (typename bits_of<T>::unsigned_type)bits_of<T>::one;
        memcpy(&shifted.v[i], &n, sizeof(T));
    }
    return shifted;
}
template <class T> static CNET_INLINE vec<T> vexponent(vec<T> x, vec<T> round_bias) {
    typename bits_of<T>::type n, bias;
    CNET_LANES {
        memcpy(&n, &x.v[i], sizeof(T));
        memcpy(&bias, &round_bias.v[i], sizeof(T));
        bias += (n - bits_of<T>::root_half) >> bits_of<T>::mantissa;
        memcpy(&x.v[i], &bias, sizeof(T));
    }
    return x;
}

#endif

template <class T> static CNET_INLINE vec<T> vload(const T* p) { vec<T> a; memcpy(&a.v, p, sizeof(a.v)); return a; }
template <class T> static CNET_INLINE void vstore(T* p, vec<T> a) { memcpy(p, &a.v, sizeof(a.v)); }

// The same pointer, of which the compiler no longer knows how it was computed. In the sparse
// kernels GCC would keep one pointer for each vector of a row instead of one row and four
// constant distances, run out of registers and spend a seventh of the time on sums of addresses.
template <class T> static CNET_INLINE const T* opaque(const T* p) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(p));
#endif
    return p;
}

// The same vector, in a register from now on: GCC would load it again for each of its uses.
template <class T> static CNET_INLINE vec<T> held(vec<T> a) {
#if CNET_VECTOR_EXTENSION && (defined(__x86_64__) || defined(_M_X64))
    __asm__("" : "+v"(a.v));
#elif CNET_VECTOR_EXTENSION && defined(__aarch64__)
    __asm__("" : "+w"(a.v));
#endif
    return a;
}

// The same function, which the compiler no longer knows, so that it is not inlined.
template <class Function> static CNET_INLINE Function apart(Function f) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(f));
#endif
    return f;
}

// The same number, which the compiler takes for one that is known only here: it is not kept in a register before.
template <class T> static CNET_INLINE T local(T x) {
#if CNET_VECTOR_EXTENSION && (defined(__x86_64__) || defined(_M_X64))
    __asm__ __volatile__("" : "+x"(x));
#elif CNET_VECTOR_EXTENSION && defined(__aarch64__)
    __asm__ __volatile__("" : "+w"(x));
#endif
    return x;
}

// The square root of each lane.
template <class T> static CNET_INLINE vec<T> vsqrt(vec<T> a) {
    T lane[vec<T>::lanes];
    vstore(lane, a);
    for (int i = 0; i < vec<T>::lanes; i++) lane[i] = std::sqrt(lane[i]);
    return vload(lane);
}
#if CNET_VECTOR_EXTENSION
#define CNET_SQRT(T, register_type, function) \
    template <> CNET_INLINE vec<T> vsqrt(vec<T> a) { \
        a.v = (vec<T>::lanes_type)function((register_type)a.v); \
        return a; \
    }
#if defined(__AVX512F__)
CNET_SQRT(float, __m512, _mm512_sqrt_ps)
CNET_SQRT(double, __m512d, _mm512_sqrt_pd)
#elif defined(__AVX__)
CNET_SQRT(float, __m256, _mm256_sqrt_ps)
CNET_SQRT(double, __m256d, _mm256_sqrt_pd)
#elif defined(__SSE2__)
CNET_SQRT(float, __m128, _mm_sqrt_ps)
CNET_SQRT(double, __m128d, _mm_sqrt_pd)
#elif defined(__aarch64__)
CNET_SQRT(float, float32x4_t, vsqrtq_f32)
CNET_SQRT(double, float64x2_t, vsqrtq_f64)
#endif
#undef CNET_SQRT
#endif

static CNET_INLINE void prefetch(const void* p) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(p, 0, 2);
#elif defined(_M_X64)
    _mm_prefetch((const char*)p, _MM_HINT_T1);
#else
    __prefetch(p);
#endif
}

// ---- over the lanes ----

// Sum and maximum, pairwise: lane i with lane i + half, half after half, always in this order.
template <class T> static CNET_INLINE T vsum(vec<T> a) {
    T lane[vec<T>::lanes];
    vstore(lane, a);
    for (int half = vec<T>::lanes / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}
template <class T> static CNET_INLINE T vmax(vec<T> a) {
    T lane[vec<T>::lanes];
    vstore(lane, a);
    for (int half = vec<T>::lanes / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = lane[i] < lane[i + half] ? lane[i + half] : lane[i];
    return lane[0];
}

// The same in registers, without the way through memory.
#if CNET_VECTOR_EXTENSION && (defined(__SSE2__) || defined(_M_X64))
#define CNET_OVER_LANES(name, op) \
    static CNET_INLINE float name##_halves(__m128 a) { \
        a = _mm_##op##_ps(a, _mm_movehl_ps(a, a)); \
        return _mm_cvtss_f32(_mm_##op##_ss(a, _mm_shuffle_ps(a, a, 1))); \
    } \
    static CNET_INLINE double name##_halves(__m128d a) { return _mm_cvtsd_f64(_mm_##op##_sd(a, _mm_unpackhi_pd(a, a))); }
CNET_OVER_LANES(vsum, add)
CNET_OVER_LANES(vmax, max)
#undef CNET_OVER_LANES
#if defined(__AVX__)
#define CNET_OVER_LANES(name, op) \
    static CNET_INLINE float name##_halves(__m256 a) { \
        return name##_halves(_mm_##op##_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1))); \
    } \
    static CNET_INLINE double name##_halves(__m256d a) { \
        return name##_halves(_mm_##op##_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1))); \
    }
CNET_OVER_LANES(vsum, add)
CNET_OVER_LANES(vmax, max)
#undef CNET_OVER_LANES
#endif
#if defined(__AVX512F__)
#define CNET_OVER_LANES(name, op) \
    static CNET_INLINE float name##_halves(__m512 a) { \
        return name##_halves(_mm256_##op##_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1))); \
    } \
    static CNET_INLINE double name##_halves(__m512d a) { \
        return name##_halves(_mm256_##op##_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1))); \
    }
CNET_OVER_LANES(vsum, add)
CNET_OVER_LANES(vmax, max)
#undef CNET_OVER_LANES
typedef __m512 native_float;
typedef __m512d native_double;
#elif defined(__AVX__)
typedef __m256 native_float;
typedef __m256d native_double;
#else
typedef __m128 native_float;
typedef __m128d native_double;
#endif
template <> CNET_INLINE float vsum(vec<float> a) { return vsum_halves((native_float)a.v); }
template <> CNET_INLINE double vsum(vec<double> a) { return vsum_halves((native_double)a.v); }
template <> CNET_INLINE float vmax(vec<float> a) { return vmax_halves((native_float)a.v); }
template <> CNET_INLINE double vmax(vec<double> a) { return vmax_halves((native_double)a.v); }
#endif

}  // namespace CNET_ISA

#include "simd_bitmaps.h"
#include "simd_halves.h"

#endif
