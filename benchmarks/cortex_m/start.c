/* Vectors, start and semihosting of qemu's Cortex-M boards. */
#include "emulated.h"

#define SYSTICK ((volatile uint32_t *)0xE000E010)
#define CPACR (*(volatile uint32_t *)0xE000ED88)

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;
int main(void);

static void semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void put(const char *text) { semihost(0x04, text); }

void put_number(uint32_t number) {
    char digits[12];
    int at = 11;
    digits[at] = 0;
    do digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(digits + at);
}

uint32_t now(void) { return SYSTICK[2]; }

uint32_t ticks_since(uint32_t start) { return (start - SYSTICK[2]) & 0xFFFFFF; }

static void stop(int code) {
    const uint32_t block[2] = {0x20026, (uint32_t)code};
    semihost(0x20, block);
    for (;;) continue;
}

static void fault(void) {
    put("fault\n");
    stop(2);
}

void reset(void) {
    uint32_t *from = &data_load, *to;
    for (to = &data_start; to < &data_end;) *to++ = *from++;
    for (to = &bss_start; to < &bss_end;) *to++ = 0;
    CPACR |= 0xFu << 20; /* the floating-point unit */
    SYSTICK[1] = 0xFFFFFF;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    stop(main());
}

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)&stack_top, reset, fault, fault, fault, fault, fault,
};
