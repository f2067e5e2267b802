/* Counts a loop of known length, and one frame, after the golden check of the preprocessing. */
#include "emulated.h"
#include "model.h"

#define JOINED(a, b) a##b
#define JOIN(a, b) JOINED(a, b)

static JOIN(NAME, _pixel) frame[JOIN(CAPITALS, _CAMERA_SIZE)];
static int8_t input[JOIN(CAPITALS, _INPUT_BYTES)];

static void report(const char *name, uint32_t start) {
    const uint32_t ticks = ticks_since(start);
    put(name);
    put_number(ticks);
    put(" ticks\n");
}

int main(void) {
    uint32_t turns = LOOP, start = now();
    __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(turns) : : "cc");
    report("loop: ", start);
    put(JOIN(NAME, _verify_input)(frame, input) < 0 ? "the preprocessing is right\n" : "the preprocessing is wrong\n");
    start = now();
    JOIN(NAME, _from_camera)(frame, input);
    report("frame: ", start);
    return 0;
}
