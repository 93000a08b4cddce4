// Bitmaps of inputs that are not zero: made, gone through bit by bit, and transposed. A part of simd.h, which includes it.
#ifndef CNET_SIMD_BITMAPS_H
#define CNET_SIMD_BITMAPS_H

namespace CNET_ISA {

static CNET_INLINE int count_trailing_zeros(uint64_t m) {
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_ctzll(m);
#else
    unsigned long i;
    _BitScanForward64(&i, m);
    return (int)i;
#endif
}

// Clear the lowest bit of `bits`; once none is left go on with the bits of `more`, CNET_TILE rows later. No branch: whether
// a word has ended cannot be predicted.
static CNET_INLINE void clear_lowest(uint64_t* bits, uint64_t* more, ptrdiff_t* base) {
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__) && defined(__BMI__)
    __asm__("blsr %0, %0\n\tcmovz %1, %0\n\tcmovz %4, %1\n\tcmovz %3, %2"
            : "+&r"(*bits), "+&r"(*more), "+&r"(*base) : "r"((ptrdiff_t)CNET_TILE), "r"((uint64_t)0) : "cc");
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
    uint64_t left = *bits - 1;
    __asm__("ands %0, %0, %3\n\tcsel %0, %1, %0, eq\n\tcsel %1, xzr, %1, eq\n\tcsel %2, %4, %2, eq"
            : "+&r"(*bits), "+&r"(*more), "+&r"(*base) : "r"(left), "r"((ptrdiff_t)CNET_TILE) : "cc");
#else
    uint64_t left = *bits & (*bits - 1);
    *base = left ? *base : ptrdiff_t(CNET_TILE);
    *bits = left ? left : *more;
    *more = left ? *more : 0;
#endif
}

// One bit for each of 64 bytes: set where the byte is not zero. The bytes are copied, unless `to` is NULL. Reading back
// the copy instead would wait until it has left the store buffer, if it was stored in other pieces than are read.
static CNET_INLINE uint64_t nonzero_bytes(const uint8_t* p, uint8_t* to) {
#if defined(__AVX512BW__)
    __m512i v = _mm512_loadu_si512((const void*)p);
    if (to) _mm512_storeu_si512((void*)to, v);
    return _mm512_test_epi8_mask(v, v);
#elif defined(__AVX2__)
    uint64_t zeros = 0;
    for (int i = 0; i < 2; i++) {
        __m256i v = _mm256_loadu_si256((const __m256i*)(p + 32 * i));
        if (to) _mm256_storeu_si256((__m256i*)(to + 32 * i), v);
        zeros |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256())) << (32 * i);
    }
    return ~zeros;
#elif defined(__SSE2__) || defined(_M_X64)
    uint64_t zeros = 0;
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i*)(p + 16 * i));
        if (to) _mm_storeu_si128((__m128i*)(to + 16 * i), v);
        zeros |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) << (16 * i);
    }
    return ~zeros;
#else
    // Eight bytes at once: the top bit of each tells, and a multiplication gathers them.
    uint64_t bits = 0, v;
    for (int i = 0; i < 8; i++) {
        memcpy(&v, p + 8 * i, 8);
        if (to) memcpy(to + 8 * i, &v, 8);
        v = (v | ((v & 0x7f7f7f7f7f7f7f7fu) + 0x7f7f7f7f7f7f7f7fu)) & 0x8080808080808080u;
        bits |= ((v >> 7) * 0x0102040810204080u >> 56) << (8 * i);
    }
    return bits;
#endif
}

#if defined(__AVX2__)
static const int HAS_BYTE_MASKS = 1;

// Byte b of 32 rows of 8 bytes to byte[b], in the rows' order.
static CNET_INLINE void transpose_bytes(const uint64_t* row, __m256i* byte) {
    const __m128i neighbours = _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    __m256i a[8], b[8];
    // Instructions do the same in both halves of a register: rows 0 to 15 go through the low ones.
    for (int i = 0; i < 8; i++) {
        __m256i rows = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i*)(row + 2 * i)));
        rows = _mm256_inserti128_si256(rows, _mm_loadu_si128((const __m128i*)(row + 16 + 2 * i)), 1);
        a[i] = _mm256_shuffle_epi8(rows, _mm256_broadcastsi128_si256(neighbours));
    }
    for (int i = 0; i < 4; i++) {
        b[i] = _mm256_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
        b[4 + i] = _mm256_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        int to = 4 * (i / 2) + i % 2;
        a[to] = _mm256_unpacklo_epi32(b[2 * i], b[2 * i + 1]);
        a[to + 2] = _mm256_unpackhi_epi32(b[2 * i], b[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        byte[2 * i] = _mm256_unpacklo_epi64(a[2 * i], a[2 * i + 1]);
        byte[2 * i + 1] = _mm256_unpackhi_epi64(a[2 * i], a[2 * i + 1]);
    }
}

// Bit j of row i to bit i of column j, which stands at column[j % 8 * 8 + j / 8]: one instruction takes the top bits of
// as many bytes as a register has.
static CNET_INLINE void transpose_by_bytes(const uint64_t* row, uint64_t* column) {
    __m256i low[8], high[8];
    transpose_bytes(row, low);
    transpose_bytes(row + 32, high);
    for (int i = 0; i < 8; i++) {
#if defined(__AVX512BW__)
        __m512i bytes = _mm512_inserti64x4(_mm512_castsi256_si512(low[i]), high[i], 1);
        for (int bit = 7; bit >= 0; bit--) {
            column[bit * 8 + i] = _mm512_movepi8_mask(bytes);
            bytes = _mm512_add_epi8(bytes, bytes);
        }
#else
        for (int bit = 7; bit >= 0; bit--) {
            uint64_t rows = (uint32_t)_mm256_movemask_epi8(high[i]);
            column[bit * 8 + i] = rows << 32 | (uint32_t)_mm256_movemask_epi8(low[i]);
            low[i] = _mm256_add_epi8(low[i], low[i]);
            high[i] = _mm256_add_epi8(high[i], high[i]);
        }
#endif
    }
}
#else
static const int HAS_BYTE_MASKS = 0;
static CNET_INLINE void transpose_by_bytes(const uint64_t*, uint64_t*) {}
#endif

template <class T> static CNET_INLINE uint64_t nonzero_each(vec<T> a) {
    uint64_t bits = 0;
    for (int i = 0; i < vec<T>::lanes; i++) bits |= (uint64_t)(a.v[i] != 0) << i;
    return bits;
}

// One bit for each lane: set where it is not zero (a NaN is not).
static CNET_INLINE uint64_t nonzero_lanes(vec<float> a) {
#if !CNET_VECTOR_EXTENSION
    return nonzero_each(a);
#elif defined(__AVX512F__)
    return _mm512_cmp_ps_mask((__m512)a.v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
#elif defined(__AVX__)
    return (uint64_t)_mm256_movemask_ps(_mm256_cmp_ps((__m256)a.v, _mm256_setzero_ps(), _CMP_NEQ_UQ));
#elif defined(__SSE2__)
    return (uint64_t)_mm_movemask_ps(_mm_cmpneq_ps((__m128)a.v, _mm_setzero_ps()));
#elif defined(__aarch64__)
    const uint32x4_t weights = {1, 2, 4, 8};
    return vaddvq_u32(vbicq_u32(weights, vceqzq_f32((float32x4_t)a.v)));
#else
    return nonzero_each(a);
#endif
}
static CNET_INLINE uint64_t nonzero_lanes(vec<double> a) {
#if !CNET_VECTOR_EXTENSION
    return nonzero_each(a);
#elif defined(__AVX512F__)
    return _mm512_cmp_pd_mask((__m512d)a.v, _mm512_setzero_pd(), _CMP_NEQ_UQ);
#elif defined(__AVX__)
    return (uint64_t)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a.v, _mm256_setzero_pd(), _CMP_NEQ_UQ));
#elif defined(__SSE2__)
    return (uint64_t)_mm_movemask_pd(_mm_cmpneq_pd((__m128d)a.v, _mm_setzero_pd()));
#else
    return nonzero_each(a);
#endif
}

}  // namespace CNET_ISA

#endif
