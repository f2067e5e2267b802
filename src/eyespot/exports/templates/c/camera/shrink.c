/* The pixels before the centre of target x, -1 behind the last of them: target x gets these shares of them, in 4096ths,
 * target x - 1 the rest. column_scales divide by the sum of what a target got.
 */
static const int16_t column_shares[] = {
$column_shares
};
static const uint32_t column_scales[WIDTH] = {
$column_scales
};

APART static void resize(const ${name}_pixel *row, uint16_t *line) {
    const int16_t *share = column_shares;
    colour before = {0};
    int weight, x;
    $begin;
    for (x = 0; x <= WIDTH; x++) {
        colour all = {0}, after = {0};
        for (; (weight = *share++) >= 0; $next) {
            const colour pixel = pixel_at(row, $at);
#define ADD(c) all.c += pixel.c, after.c += (uint32_t)weight * pixel.c;
            EACH(ADD)
        }
#define STORE(c) *line++ = (uint16_t)((uint64_t)(before.c + (all.c << 12) - after.c) * column_scales[x - 1] >> 32);
        if (x > 0) {
            EACH(STORE)
        }
        before = after;
    }
}
