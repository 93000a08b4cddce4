# Dropout: which units of a row are kept in one mini-batch. The words come from (key of the iteration, row, unit,
# layer), so that neither threads nor the order of rows matter; layer 0 are the inputs.

cdef extern from *:
    """
    // Counters whose words are computed at once, and these words: as many as a tile has columns.
    #define DROPOUT_COUNTERS 16
    #define DROPOUT_WORDS 64
    static_assert(DROPOUT_WORDS == 4 * DROPOUT_COUNTERS && DROPOUT_WORDS == CNET_TILE, "a word for each column");

    #if CNET_VECTOR_EXTENSION
    typedef uint64_t lanes64 __attribute__((vector_size(CNET_VECTOR_BYTES)));

    // Products of the lanes' low halves; the high halves do not matter.
    static CNET_INLINE lanes64 multiply_low(lanes64 a, lanes64 b) {
    #if defined(__AVX512F__)
        return (lanes64)_mm512_mul_epu32((__m512i)a, (__m512i)b);
    #elif defined(__AVX2__)
        return (lanes64)_mm256_mul_epu32((__m256i)a, (__m256i)b);
    #elif defined(__SSE2__)
        return (lanes64)_mm_mul_epu32((__m128i)a, (__m128i)b);
    #elif defined(__aarch64__)
        return (lanes64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
    #else
        return (a & 0xffffffffu) * (b & 0xffffffffu);
    #endif
    }
    #else
    typedef uint64_t lanes64;
    static CNET_INLINE lanes64 multiply_low(lanes64 a, lanes64 b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
    #endif

    // philox4x32 (see philox.pxd) of neighbouring counters, one in each 64-bit lane. GCC leaves the plain loop over the
    // counters scalar. What the rounds leave in the high halves of the lanes is not looked at.
    static CNET_INLINE void philox_neighbours(
            uint64_t key, uint32_t first, uint32_t row, uint32_t layer, uint32_t* words) {
        static const int lanes = sizeof(lanes64) / sizeof(uint64_t), vectors = DROPOUT_COUNTERS / lanes;
        const lanes64 zero = {0}, m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u;
        lanes64 c0[vectors], c1[vectors], c2[vectors], c3[vectors];
        uint64_t number[DROPOUT_COUNTERS], low[DROPOUT_COUNTERS], high[DROPOUT_COUNTERS];
        for (uint32_t i = 0; i < DROPOUT_COUNTERS; i++) number[i] = (uint32_t)(first + i);
        for (int v = 0; v < vectors; v++) {
            memcpy(c0 + v, number + v * lanes, sizeof(lanes64));
            c1[v] = zero;
            c2[v] = zero + row;
            c3[v] = zero + layer;
        }
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (int round = 0; round < 10; round++) {
            for (int v = 0; v < vectors; v++) {
                lanes64 p0 = multiply_low(m0, c0[v]), p1 = multiply_low(m1, c2[v]);
                c0[v] = (p1 >> 32) ^ c1[v] ^ (zero + k0);
                c1[v] = p1;
                c2[v] = (p0 >> 32) ^ c3[v] ^ (zero + k1);
                c3[v] = p0;
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        // Two words in the order of little-endian memory, which all processors that cnet is built for have.
        for (int v = 0; v < vectors; v++) {
            lanes64 lower = (c0[v] & 0xffffffffu) | c1[v] << 32, upper = (c2[v] & 0xffffffffu) | c3[v] << 32;
            memcpy(low + v * lanes, &lower, sizeof(lanes64));
            memcpy(high + v * lanes, &upper, sizeof(lanes64));
        }
        for (int i = 0; i < DROPOUT_COUNTERS; i++) {
            memcpy(words + 4 * i, low + i, sizeof(uint64_t));
            memcpy(words + 4 * i + 2, high + i, sizeof(uint64_t));
        }
    }
    """
    enum:
        DROPOUT_COUNTERS
        DROPOUT_WORDS
    void philox_neighbours(uint64_t key, uint32_t first, uint32_t row, uint32_t layer, uint32_t* words) noexcept nogil


cdef inline void keep_units(
    Py_ssize_t n, const uint32_t* words, uint32_t threshold, real scale, real* x
) noexcept nogil:
    """x times 0 or `scale`, as each unit's word is below the threshold or not."""
    cdef Py_ssize_t i
    for i in range(n):
        x[i] *= scale if words[i] >= threshold else <real>0


cdef inline void drop_units(
    const Dropout[real]* p, int layer, Py_ssize_t row, Py_ssize_t n, real* z, real* slope
) noexcept nogil:
    """z, and where there is one its slope, times 0 or 1 / (1 - p)."""
    cdef uint32_t words[DROPOUT_WORDS]
    cdef uint32_t threshold = p.threshold[layer]
    cdef real scale = p.scale[layer]
    cdef Py_ssize_t block, first, some
    for block in range((n + DROPOUT_WORDS - 1) // DROPOUT_WORDS):
        first = block * DROPOUT_WORDS
        some = min(n - first, <Py_ssize_t>DROPOUT_WORDS)
        philox_neighbours(p.key, <uint32_t>(first >> 2), <uint32_t>(p.first_row + row), layer, words)
        if some == DROPOUT_WORDS:
            keep_units(DROPOUT_WORDS, words, threshold, scale, z + first)
        else:
            keep_units(some, words, threshold, scale, z + first)
        if slope is not NULL:
            keep_units(some, words, threshold, scale, slope + first)


cdef inline void drop_inputs(
    const Dropout[real]* p, Py_ssize_t column, Py_ssize_t n, Py_ssize_t rows, uint64_t* mask
) noexcept nogil:
    """A tile's inputs that are not kept leave the bitmaps; the scale joins with the sums (see sum_parts)."""
    cdef uint32_t words[DROPOUT_WORDS + 4]
    cdef uint8_t kept[DROPOUT_WORDS + 4]
    cdef uint32_t threshold = p.threshold[0]
    cdef Py_ssize_t r, i, first = column >> 2, skipped = column & 3
    memset(words + DROPOUT_WORDS, 0, 4 * sizeof(uint32_t))
    for r in range(rows):
        if mask[r] == 0:
            continue
        philox_neighbours(p.key, <uint32_t>first, <uint32_t>(p.first_row + r), 0, words)
        if skipped + n > DROPOUT_WORDS:
            # The tile begins amid a counter's words, and ends amid another's.
            philox4x32(p.key, first + DROPOUT_COUNTERS, <uint32_t>(p.first_row + r), 0, words + DROPOUT_WORDS)
        for i in range(DROPOUT_WORDS + 4):
            kept[i] = words[i] >= threshold
        mask[r] &= nonzero_bytes(kept + skipped, NULL)
