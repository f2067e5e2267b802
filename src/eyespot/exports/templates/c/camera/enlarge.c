/* Target x lies between the centres of pixel column_firsts[x] and the next, which it gets column_shares of, in 4096ths. */
static const uint16_t column_firsts[WIDTH] = {
$column_firsts
};
static const uint16_t column_shares[WIDTH] = {
$column_shares
};

APART static void resize(const ${name}_pixel *row, uint16_t *line) {
    int x;
    for (x = 0; x < WIDTH; x++) {
        const colour near = pixel_at(row, column_firsts[x]), far = pixel_at(row, column_firsts[x] + 1);
        const uint32_t weight = column_shares[x];
#define STORE(c) *line++ = (uint16_t)((near.c * (4096 - weight) + far.c * weight) >> 6);
        EACH(STORE)
    }
}
