#define EACH(use) use(gray)
typedef struct {
    uint32_t gray;
} colour;

/* By ITU-R BT.601, as Pillow weighs them. */
static inline colour colour_of(uint32_t red, uint32_t green, uint32_t blue) {
    const colour made = {(red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16};
    return made;
}
