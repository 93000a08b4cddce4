// Half a vector: the end of a row. A part of simd.h, which includes it.
#ifndef CNET_SIMD_HALVES_H
#define CNET_SIMD_HALVES_H

namespace CNET_ISA {

#if CNET_VECTOR_EXTENSION && CNET_VECTOR_BYTES == 64
static const int HAS_HALF = 1;
template <class T> struct half_vec {
    typedef T lanes_type __attribute__((vector_size(32)));
    lanes_type v;
};
static CNET_INLINE half_vec<float> hlow(vec<float> a) {
    half_vec<float> r;
    r.v = (half_vec<float>::lanes_type)_mm512_castps512_ps256((__m512)a.v);
    return r;
}
static CNET_INLINE half_vec<double> hlow(vec<double> a) {
    half_vec<double> r;
    r.v = (half_vec<double>::lanes_type)_mm512_castpd512_pd256((__m512d)a.v);
    return r;
}
static CNET_INLINE half_vec<float> hfma(half_vec<float> a, half_vec<float> b, half_vec<float> c) {
    a.v = (half_vec<float>::lanes_type)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v);
    return a;
}
static CNET_INLINE half_vec<double> hfma(half_vec<double> a, half_vec<double> b, half_vec<double> c) {
    a.v = (half_vec<double>::lanes_type)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v);
    return a;
}
#elif CNET_VECTOR_EXTENSION && CNET_VECTOR_BYTES == 32
// Shorter vectors are not worth halving, but two halves can share a register.
static const int HAS_HALF = 0;
template <class T> struct half_vec {
    typedef T lanes_type __attribute__((vector_size(16)));
    lanes_type v;
};
static CNET_INLINE half_vec<float> hlow(vec<float> a) {
    half_vec<float> r;
    r.v = (half_vec<float>::lanes_type)_mm256_castps256_ps128((__m256)a.v);
    return r;
}
static CNET_INLINE half_vec<double> hlow(vec<double> a) {
    half_vec<double> r;
    r.v = (half_vec<double>::lanes_type)_mm256_castpd256_pd128((__m256d)a.v);
    return r;
}
static CNET_INLINE half_vec<float> hhigh(vec<float> a) {
    half_vec<float> r;
    r.v = (half_vec<float>::lanes_type)_mm256_extractf128_ps((__m256)a.v, 1);
    return r;
}
static CNET_INLINE half_vec<double> hhigh(vec<double> a) {
    half_vec<double> r;
    r.v = (half_vec<double>::lanes_type)_mm256_extractf128_pd((__m256d)a.v, 1);
    return r;
}
// The low half of a, then that of b: of vectors whose lanes are all the same.
static CNET_INLINE vec<float> low_and_low(vec<float> a, vec<float> b) {
    a.v = (vec<float>::lanes_type)_mm256_blend_ps((__m256)a.v, (__m256)b.v, 0xf0);
    return a;
}
static CNET_INLINE vec<double> low_and_low(vec<double> a, vec<double> b) {
    a.v = (vec<double>::lanes_type)_mm256_blend_pd((__m256d)a.v, (__m256d)b.v, 0xc);
    return a;
}
static CNET_INLINE vec<float> twice(half_vec<float> a) {
    vec<float> r;
    r.v = (vec<float>::lanes_type)_mm256_set_m128((__m128)a.v, (__m128)a.v);
    return r;
}
static CNET_INLINE vec<double> twice(half_vec<double> a) {
    vec<double> r;
    r.v = (vec<double>::lanes_type)_mm256_set_m128d((__m128d)a.v, (__m128d)a.v);
    return r;
}
static CNET_INLINE half_vec<float> hfma(half_vec<float> a, half_vec<float> b, half_vec<float> c) {
    a.v = (half_vec<float>::lanes_type)_mm_fmadd_ps((__m128)a.v, (__m128)b.v, (__m128)c.v);
    return a;
}
static CNET_INLINE half_vec<double> hfma(half_vec<double> a, half_vec<double> b, half_vec<double> c) {
    a.v = (half_vec<double>::lanes_type)_mm_fmadd_pd((__m128d)a.v, (__m128d)b.v, (__m128d)c.v);
    return a;
}
#else
// Arrays need no halves: never used.
static const int HAS_HALF = 0;
template <class T> struct half_vec { T v; };
template <class T> static CNET_INLINE half_vec<T> hlow(vec<T>) { half_vec<T> a; a.v = 0; return a; }
template <class T> static CNET_INLINE half_vec<T> hfma(half_vec<T> a, half_vec<T>, half_vec<T>) { return a; }
template <class T> static CNET_INLINE half_vec<T> hat_least(half_vec<T> a, T) { return a; }
#endif
#if CNET_VECTOR_EXTENSION && CNET_VECTOR_BYTES >= 32
// a, or 0 in the lanes whose magnitude is below `least`; a NaN stays.
template <class T> static CNET_INLINE half_vec<T> hat_least(half_vec<T> a, T least) {
    typedef typename bits_of<T>::type bits __attribute__((vector_size(CNET_VECTOR_BYTES / 2)));
    bits below = (bits)(a.v < least) & (bits)(a.v > -least);
    a.v = (typename half_vec<T>::lanes_type)((bits)a.v & ~below);
    return a;
}
#endif
#if !(CNET_VECTOR_EXTENSION && CNET_VECTOR_BYTES == 32)
// Never called: JOINED_VECTORS is 0.
template <class T> static CNET_INLINE half_vec<T> hhigh(vec<T> a) { return hlow(a); }
template <class T> static CNET_INLINE vec<T> low_and_low(vec<T> a, vec<T>) { return a; }
template <class T> static CNET_INLINE vec<T> twice(half_vec<T>) { return vset((T)0); }
#endif
template <class T> static CNET_INLINE half_vec<T> hload(const T* p) { half_vec<T> a; memcpy(&a.v, p, sizeof(a.v)); return a; }
template <class T> static CNET_INLINE void hstore(T* p, half_vec<T> a) { memcpy(p, &a.v, sizeof(a.v)); }

}  // namespace CNET_ISA

#endif
