"""The text of exported C, with gaps for `str.format`: braces of C's own are double."""

from __future__ import annotations

__all__ = [
    "AFFINE", "ARRAY", "CLASS_HEADER", "CLASS_SOURCE", "EACH_UNIT", "HEAD", "HEADER", "LOGISTIC", "SOFTMAX", "SOURCE",
    "UNITS",
]

# What every header has in its first lines.
HEAD = """\
/* {title}. Written by cnet.export.c of cnet {version}.

   C99. It needs math.h and nothing else, and allocates nothing.
   Weights: {weights}; with biases {bytes} bytes of constants.
   Rounding them {rounding}.
   Inputs: {inputs}.
   Static memory: {static_bytes} bytes, used by {name}_predict and {name}_predict_pixels. */
"""

HEADER = """\
{head}
#ifndef CNET_{name}_H
#define CNET_{name}_H

#ifdef __cplusplus
extern "C" {{
#endif

enum {{
    {name}_inputs = {n_inputs},
    {name}_outputs = {n_outputs},
    {name}_work = {n_work}
}};

/* Compute y[{name}_outputs], {meaning}, of x[{name}_inputs]; the two must not overlap.
   It works in static memory, so it is not re-entrant: one call at a time. */
void {name}_predict(const float *x, float *y);

/* The same of pixels from 0 to 255, which are divided by 255. */
void {name}_predict_pixels(const unsigned char *x, float *y);

/* Both in the caller's memory, work[{name}_work]: re-entrant. */
void {name}_predict_with(const float *x, float *y, float *work);
void {name}_predict_pixels_with(const unsigned char *x, float *y, float *work);
{class_header}
#ifdef __cplusplus
}}
#endif

#endif
"""

SOURCE = """\
{head}
#include <math.h>

#include "{header}"

{arrays}
static float {name}_memory[{n_work}];
{affine}{functions}
/* From floats, or from pixels where there are some, to y. */
static void {name}_run(const float *x, const unsigned char *pixels, float *y, float *work)
{{
{layers}
}}

void {name}_predict_with(const float *x, float *y, float *work)
{{
    {name}_run(x, 0, y, work);
}}

void {name}_predict(const float *x, float *y)
{{
    {name}_run(x, 0, y, {name}_memory);
}}

void {name}_predict_pixels_with(const unsigned char *x, float *y, float *work)
{{
    {name}_run(0, x, y, work);
}}

void {name}_predict_pixels(const unsigned char *x, float *y)
{{
    {name}_run(0, x, y, {name}_memory);
}}
{class_source}"""

ARRAY = """\
/* {what} */
static const {type} {name}[{size}] = {{
{numbers}
}};
"""

# By the form of the weights. An input that is 0, as many pixels are and what relu has switched off, changes no sum.
AFFINE = {
    "float32": """
/* z = b + x . w, for n_in inputs (pixels where there are some) and n units. */
static void {name}_affine(
    const float *x, const unsigned char *pixels, int n_in, const float *w, const float *b, int n, float *z)
{{
    int i, j;

    for (j = 0; j < n; j++)
        z[j] = b[j];
    for (i = 0; i < n_in; i++, w += n) {{
        const float value = pixels ? (float)pixels[i] / 255.0f : x[i];

        if (value == 0.0f)
            continue;
        for (j = 0; j < n; j++)
            z[j] += value * w[j];
    }}
}}
""",
    "int8": """
/* z = b + s * (x . w), for n_in inputs (pixels where there are some) and n units. */
static void {name}_affine(
    const float *x, const unsigned char *pixels, int n_in, const signed char *w, const float *s, const float *b,
    int n, float *z)
{{
    int i, j;

    for (j = 0; j < n; j++)
        z[j] = 0.0f;
    for (i = 0; i < n_in; i++, w += n) {{
        const float value = pixels ? (float)pixels[i] / 255.0f : x[i];

        if (value == 0.0f)
            continue;
        for (j = 0; j < n; j++)
            z[j] += value * (float)w[j];
    }}
    for (j = 0; j < n; j++)
        z[j] = b[j] + s[j] * z[j];
}}
""",
}

# What becomes of each of the n units z[j], by the names of activations and outputs. Nothing overflows where its value
# does not.
UNITS = {
    "sigmoid": "{name}_logistic(z[j])",
    "tanh": "tanhf(z[j])",
    "relu": "z[j] < 0.0f ? 0.0f : z[j]",
    "leaky_relu": "z[j] > 0.0f ? z[j] : 0.01f * z[j]",
    "elu": "z[j] > 0.0f ? z[j] : expm1f(z[j])",
    "gelu": "0.5f * z[j] * erfcf(-0.70710678f * z[j])",
    "silu": "z[j] * {name}_logistic(z[j])",
    "exp": "expf(z[j])",
}
EACH_UNIT = """
static void {name}_{function}(float *z, int n)
{{
    int j;

    for (j = 0; j < n; j++)
        z[j] = {unit};
}}
"""
LOGISTIC = """
static float {name}_logistic(float a)
{{
    const float e = expf(-fabsf(a));

    return (a < 0.0f ? e : 1.0f) / (1.0f + e);
}}
"""
SOFTMAX = """
static void {name}_softmax(float *z, int n)
{{
    float largest = z[0], sum = 0.0f;
    int j;

    for (j = 1; j < n; j++)
        if (z[j] > largest)
            largest = z[j];
    for (j = 0; j < n; j++) {{
        z[j] = expf(z[j] - largest);
        sum += z[j];
    }}
    for (j = 0; j < n; j++)
        z[j] /= sum;
}}
"""

CLASS_HEADER = """
/* The place of the largest of y[{name}_outputs]: the most probable class. */
int {name}_class(const float *y);
"""
CLASS_SOURCE = """
int {name}_class(const float *y)
{{
    int j, largest = 0;

    for (j = 1; j < {n_outputs}; j++)
        if (y[j] > y[largest])
            largest = j;
    return largest;
}}
"""
