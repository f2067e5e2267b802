/* Frames of $camera_width x $camera_height in $format to the input of $title, made by eyespot $version.
 *
 * It takes $crop_text, and resizes it as Pillow's antialiased bilinear filter does. The tables hold the weights of that
 * filter. A row is read once, resized to the width of the input and added to the rows of the input that it is part of.
 */
#include "model.h"

#define WIDTH ${NAME}_WIDTH
#define LINE (${NAME}_WIDTH * ${NAME}_CHANNELS)
#define OPEN $open /* rows of the input that a row of the camera is part of */

#if defined(__GNUC__)
#define APART __attribute__((noinline)) /* all registers for the loop over the pixels: an eighth less instructions */
#else
#define APART
#endif

$colour
$byte
static inline colour pixel_at(const ${name}_pixel *row, int at) {
$read
}

$resize

/* Camera row `i`, counted from $row_first, is part of the input's rows row_starts[i] to row_ends[i] - 1; row_weights are
 * its weights for them, in 32768ths, one row after the other.
 */
static const uint16_t row_starts[] = {
$row_starts
};
static const uint16_t row_ends[] = {
$row_ends
};
static const uint16_t row_weights[] = {
$row_weights
};

APART static void add(const uint16_t *line, uint32_t weight, uint32_t *sums) {
    int i;
    for (i = 0; i < LINE; i++) sums[i] += weight * line[i];
}

/* Round the sums, of 21 bits behind the point, and clear them for the next row of the input. */
static void finish(uint32_t *sums, int8_t *input) {
    int i;
    for (i = 0; i < LINE; i++) {
        input[i] = (int8_t)((int)((sums[i] + (1 << 20)) >> 21) + ${NAME}_INPUT_OFFSET);
        sums[i] = 0;
    }
}

void ${name}_from_camera(const ${name}_pixel *frame, int8_t *input) {
    static uint16_t line[LINE];        /* of 6 bits behind the point */
    static uint32_t sums[OPEN][LINE];  /* 0 between two frames */
    const ${name}_pixel *row = frame + $row_first * ${NAME}_CAMERA_STRIDE;
    const uint16_t *weight = row_weights;
    int i, y;
    for (i = 0; i < $rows; i++, row += ${NAME}_CAMERA_STRIDE) {
        resize(row, line);
        for (y = row_starts[i]; y < row_ends[i]; y++) add(line, *weight++, sums[y % OPEN]);
        for (y = row_starts[i]; y < row_starts[i + 1]; y++, input += LINE) finish(sums[y % OPEN], input);
    }
}
