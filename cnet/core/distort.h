// The pixels of a distorted image: each is taken from where it came from, between the four pixels there.
#ifndef CNET_DISTORT_H
#define CNET_DISTORT_H

#include "augment.h"
#include "simd.h"

namespace CNET_ISA {

// Where the pixel in row r and column c comes from, in pixels of the padded image: x + xx c + xy r to the right,
// y + yx c + yy r down.
struct Motion {
    float x, y, xx, xy, yx, yy;
};

// A row of the new image: where its first pixel comes from, the step to the next, how far the field moves each (or
// NULL), and the last place where there are pixels to the right and below.
struct Line {
    float x, y, dx, dy, right, bottom;
    const float *move_x, *move_y;
};

// Weights have the precision of the pixels.
template <class T> struct Weight { typedef float type; };
template <> struct Weight<double> { typedef double type; };

static CNET_INLINE uint8_t rounded(float value, uint8_t) { return (uint8_t)(int)(value + 0.5f); }
static CNET_INLINE float rounded(float value, float) { return value; }
static CNET_INLINE double rounded(double value, double) { return value; }

template <class T> static CNET_INLINE void sample_line(
        const Line &line, ptrdiff_t width, const T *padded, ptrdiff_t ld, T *out) {
    typedef typename Weight<T>::type number;
    for (ptrdiff_t c = 0; c < width; c++) {
        float x = line.x + line.dx * (float)c, y = line.y + line.dy * (float)c;
        if (line.move_x) {
            x += line.move_x[c];
            y += line.move_y[c];
        }
        // What is no number ends up in the corner.
        x = x < line.right ? x : line.right;
        y = y < line.bottom ? y : line.bottom;
        x = x > 0 ? x : 0;
        y = y > 0 ? y : 0;
        const int column = (int)x, row = (int)y;
        const number right = (number)(x - (float)column), down = (number)(y - (float)row);
        const T *at = padded + row * ld + column;
        const number upper = (number)at[0] + right * ((number)at[1] - (number)at[0]);
        const number lower = (number)at[ld] + right * ((number)at[ld + 1] - (number)at[ld]);
        out[c] = rounded(upper + down * (lower - upper), T());
    }
}

#if defined(__AVX2__)

// Eight neighbours at once: the index of the pixel above and to the left of each place, and the shares of the others.
struct Places {
    __m256i at;
    __m256 right, down;
};

static CNET_INLINE Places places_of(const Line &line, ptrdiff_t c, ptrdiff_t ld) {
    const __m256 first = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256 columns = _mm256_add_ps(_mm256_set1_ps((float)c), first);
    __m256 x = _mm256_fmadd_ps(columns, _mm256_set1_ps(line.dx), _mm256_set1_ps(line.x));
    __m256 y = _mm256_fmadd_ps(columns, _mm256_set1_ps(line.dy), _mm256_set1_ps(line.y));
    if (line.move_x) {
        x = _mm256_add_ps(x, _mm256_loadu_ps(line.move_x + c));
        y = _mm256_add_ps(y, _mm256_loadu_ps(line.move_y + c));
    }
    // Of a NaN and a number, min and max return the second.
    x = _mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(line.right)), _mm256_setzero_ps());
    y = _mm256_max_ps(_mm256_min_ps(y, _mm256_set1_ps(line.bottom)), _mm256_setzero_ps());
    const __m256i column = _mm256_cvttps_epi32(x), row = _mm256_cvttps_epi32(y);
    Places places;
    places.at = _mm256_add_epi32(_mm256_mullo_epi32(row, _mm256_set1_epi32((int)ld)), column);
    places.right = _mm256_sub_ps(x, _mm256_cvtepi32_ps(column));
    places.down = _mm256_sub_ps(y, _mm256_cvtepi32_ps(row));
    return places;
}

static CNET_INLINE __m256 between(__m256 a, __m256 b, __m256 share) {
    return _mm256_fmadd_ps(share, _mm256_sub_ps(b, a), a);
}

static CNET_INLINE void store_some(uint8_t *out, ptrdiff_t n, __m256 value) {
    const __m256i whole = _mm256_cvttps_epi32(_mm256_add_ps(value, _mm256_set1_ps(0.5f)));
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    const __m128i bytes = _mm_packus_epi16(words, words);
    if (n >= 8) {
        _mm_storel_epi64((__m128i *)out, bytes);
    } else {
        uint8_t few[8];
        _mm_storel_epi64((__m128i *)few, bytes);
        memcpy(out, few, (size_t)n);
    }
}

static CNET_INLINE void store_some(float *out, ptrdiff_t n, __m256 value) {
    if (n >= 8) {
        _mm256_storeu_ps(out, value);
    } else {
        float few[8];
        _mm256_storeu_ps(few, value);
        memcpy(out, few, (size_t)n * sizeof(float));
    }
}

static CNET_INLINE __m256 low_byte(__m256i words) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(255)));
}

static CNET_INLINE __m256 second_byte(__m256i words) {
    return low_byte(_mm256_srli_epi32(words, 8));
}

// A word from a byte's address on holds two neighbours.
static CNET_INLINE __m256 sample_places(const Places &p, const uint8_t *padded, ptrdiff_t ld) {
    const __m256i above = _mm256_i32gather_epi32((const int *)padded, p.at, 1);
    const __m256i below = _mm256_i32gather_epi32((const int *)(padded + ld), p.at, 1);
    return between(between(low_byte(above), second_byte(above), p.right),
                   between(low_byte(below), second_byte(below), p.right), p.down);
}

static CNET_INLINE __m256 sample_places(const Places &p, const float *padded, ptrdiff_t ld) {
    const __m256 a = _mm256_i32gather_ps(padded, p.at, 4), b = _mm256_i32gather_ps(padded + 1, p.at, 4);
    const __m256 c = _mm256_i32gather_ps(padded + ld, p.at, 4), d = _mm256_i32gather_ps(padded + ld + 1, p.at, 4);
    return between(between(a, b, p.right), between(c, d, p.right), p.down);
}

template <class T> static CNET_INLINE void sample_line_by_eight(
        const Line &line, ptrdiff_t width, const T *padded, ptrdiff_t ld, T *out) {
    for (ptrdiff_t c = 0; c < width; c += 8)
        store_some(out + c, width - c, sample_places(places_of(line, c, ld), padded, ld));
}

template <> CNET_INLINE void sample_line<uint8_t>(
        const Line &line, ptrdiff_t width, const uint8_t *padded, ptrdiff_t ld, uint8_t *out) {
    sample_line_by_eight(line, width, padded, ld, out);
}

template <> CNET_INLINE void sample_line<float>(
        const Line &line, ptrdiff_t width, const float *padded, ptrdiff_t ld, float *out) {
    sample_line_by_eight(line, width, padded, ld, out);
}

#endif

template <class T> static void sample_image(
        const Distortion *p, const Motion &motion, const float *field, const T *padded, T *out) {
    Line line;
    line.right = (float)(p->width + 1);
    line.bottom = (float)(p->height + 1);
    line.dx = motion.xx;
    line.dy = motion.yx;
    line.move_x = line.move_y = NULL;
    for (ptrdiff_t r = 0; r < p->height; r++) {
        line.x = motion.x + motion.xy * (float)r;
        line.y = motion.y + motion.yy * (float)r;
        if (field) {
            line.move_x = field + 2 * r * p->ld;
            line.move_y = line.move_x + p->ld;
        }
        sample_line(line, p->width, padded, p->ld_padded, out + r * p->width);
    }
}

// Smoothed noise needs numbers from -1 up to 1: as many as an image has pixels, and once more.
static void noise_of_words(const Distortion *p, const uint32_t *words, float *noise) {
    for (int way = 0; way < 2; way++)
        for (ptrdiff_t r = 0; r < p->height; r++) {
            const uint32_t *from = words + (way * p->height + r) * p->width;
            float *row = noise + (2 * r + way) * p->ld;
            for (ptrdiff_t c = 0; c < p->width; c++) row[c] = (float)(int32_t)from[c] * 4.656612873077393e-10f;
        }
}

}  // namespace CNET_ISA

#endif
