/* A program for a bare Cortex-M: it starts without a system, predicts some samples, and prints the bits of what it
   computed through the debugger's console (semihosting), a number in each line. */
#include <stdint.h>
#include <string.h>

#include "model.h"
#include "samples.h"

extern uint32_t stack_top;

static int call_host(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void print_bits(float value)
{
    char text[10];
    uint32_t bits;
    int i;

    memcpy(&bits, &value, sizeof bits);
    for (i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[bits >> (28 - 4 * i) & 15];
    text[8] = '\n';
    text[9] = 0;
    call_host(0x04, text);
}

static void reset(void)
{
    static float y[model_outputs];
    int i, j;

#ifdef __ARM_FP
    /* The floating-point unit is switched off after a reset. */
    *(volatile uint32_t *)0xE000ED88 |= 0xF << 20;
    __asm__ volatile("dsb\n\tisb");
#endif
    for (i = 0; i < n_samples; i++) {
        model_predict(samples[i], y);
        for (j = 0; j < model_outputs; j++)
            print_bits(y[j]);
    }
    call_host(0x18, (const void *)0x20026);
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_top, (const void *)reset};
