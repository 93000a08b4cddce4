// The processor's floating-point control word of one thread: IEEE arithmetic while cnet works, and what it was after that.
//
// Libraries set it for the thread that loads them: flush-to-zero, denormals-are-zero, another rounding mode, traps.
// Threads started later inherit it, earlier ones do not: results would depend on who computes them.
//
// A fit's mini-batches are computed without denormals. Where a network is sure of a sample, derivatives through smooth
// activations become that small, and each multiply-add with one of them takes some processors a hundred cycles and more.
#ifndef CNET_FLOATS_H
#define CNET_FLOATS_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#elif defined(_M_ARM64) && defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
// All exceptions masked, round to nearest, denormals kept. The low six bits only record what happened.
static const uint64_t CNET_IEEE = 0x1f80, CNET_CONTROL_BITS = 0xffc0;
// What is smaller than the smallest normal number is 0: as a result (flush-to-zero) and as an operand.
static const uint64_t CNET_WITHOUT_DENORMALS = 0x9fc0;
static inline uint64_t cnet_float_control(void) { return _mm_getcsr(); }
static inline void cnet_set_float_control(uint64_t control) { _mm_setcsr((unsigned)control); }
#elif defined(__aarch64__) || defined(_M_ARM64)
// The same: no trap, no alternative half precision, round to nearest, nothing flushed.
static const uint64_t CNET_IEEE = 0, CNET_CONTROL_BITS = ~(uint64_t)0;
static const uint64_t CNET_WITHOUT_DENORMALS = (uint64_t)1 << 24;
#if defined(_MSC_VER) && !defined(__clang__)
static inline uint64_t cnet_float_control(void) { return (uint64_t)_ReadStatusReg(ARM64_FPCR); }
static inline void cnet_set_float_control(uint64_t control) { _WriteStatusReg(ARM64_FPCR, (int64_t)control); }
#else
static inline uint64_t cnet_float_control(void) {
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control) : : "memory");
    return control;
}
static inline void cnet_set_float_control(uint64_t control) {
    __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
}
#endif
#else
// Other processors: as the system set it.
static const uint64_t CNET_IEEE = 0, CNET_CONTROL_BITS = 0, CNET_WITHOUT_DENORMALS = 0;
static inline uint64_t cnet_float_control(void) { return 0; }
static inline void cnet_set_float_control(uint64_t) {}
#endif

// No arithmetic on memory is moved across a change of the control word.
static inline void cnet_float_fence(void) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__ volatile("" : : : "memory");
#elif defined(_MSC_VER)
    _ReadWriteBarrier();
#endif
}

// Arithmetic under a control word from begin() to end(), at the latest to where the scope that holds this object is left,
// in whichever way.
template <uint64_t CONTROL>
class Floats {
    uint64_t former;
    bool changed;

  public:
    Floats() : former(0), changed(false) {}
    Floats(const Floats&) = delete;
    Floats& operator=(const Floats&) = delete;
    void begin() {
        uint64_t now = cnet_float_control();
        if (changed || (now & CNET_CONTROL_BITS) == CONTROL) return;
        former = now;
        changed = true;
        cnet_set_float_control(CONTROL);
        cnet_float_fence();
    }
    void end() {
        if (!changed) return;
        changed = false;
        cnet_float_fence();
        cnet_set_float_control(former);
    }
    ~Floats() { end(); }
};

typedef Floats<CNET_IEEE> IeeeFloats;
typedef Floats<CNET_WITHOUT_DENORMALS> FloatsWithoutDenormals;

#endif
