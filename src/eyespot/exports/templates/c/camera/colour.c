#define EACH(use) use(red) use(green) use(blue)
typedef struct {
    uint32_t red, green, blue;
} colour;

static inline colour colour_of(uint32_t red, uint32_t green, uint32_t blue) {
    const colour made = {red, green, blue};
    return made;
}
