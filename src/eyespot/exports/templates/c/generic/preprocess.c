/* A camera's image to the input of $title, made by eyespot $version.
 *
 * It resizes as Pillow's antialiased bilinear filter does, in the same fixed point: weights of 22 bits, first
 * along a row, then along the columns, rounded to 8 bits each time. Pillow 13 sometimes takes the columns first,
 * which changes a value by 1 at most.
 */
#include "model.h"

#define WIDTH ${NAME}_WIDTH
#define HEIGHT ${NAME}_HEIGHT
#define CHANNELS ${NAME}_CHANNELS
#define BITS 22
#define HALF ((int32_t)1 << (BITS - 1))

typedef void (*reader)(const void *pixels, size_t index, int32_t *value);

/* Red, green and blue to the model's channels; gray by ITU-R 601, as Pillow weighs it. */
static void store(int32_t red, int32_t green, int32_t blue, int32_t *value) {
#if CHANNELS == 3
    value[0] = red;
    value[1] = green;
    value[2] = blue;
#else
    value[0] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
#endif
}

static void read_rgb888(const void *pixels, size_t index, int32_t *value) {
    const uint8_t *pixel = (const uint8_t *)pixels + 3 * index;
    store(pixel[0], pixel[1], pixel[2], value);
}

static void read_rgb565(const void *pixels, size_t index, int32_t *value) {
    const int32_t pixel = ((const uint16_t *)pixels)[index];
    const int32_t red = pixel >> 11, green = (pixel >> 5) & 63, blue = pixel & 31;
    store(red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2, value);
}

static double triangle(double x) {
    const double distance = x < 0 ? -x : x;
    return distance < 1 ? 1 - distance : 0;
}

/* The source places that make target place `at`, into entry: first, count, a weight for each.
 * `start` and `scale` give the part of the source that is taken, `size` its whole length.
 */
static void weigh(int32_t *entry, int at, int start, double scale, int size) {
    const double reach = scale < 1 ? 1 : scale, center = start + (at + 0.5) * scale;
    int first = (int)(center - reach + 0.5), last = (int)(center + reach + 0.5), i;
    double total = 0;
    if (first < 0) first = 0;
    if (last > size) last = size;
    for (i = first; i < last; i++) total += triangle((i - center + 0.5) * (1 / reach));
    for (i = first; i < last; i++) {
        const double weight = triangle((i - center + 0.5) * (1 / reach)) / total;
        entry[2 + i - first] = (int32_t)(0.5 + weight * ((int32_t)1 << BITS));
    }
    entry[0] = first;
    entry[1] = last - first;
}

/* Add a source row, resized to WIDTH and weighed, to the sums of a target row. */
static void add_row(reader read, const void *pixels, size_t row, const int32_t *columns, int stride,
                    int32_t weight, int32_t *sums) {
    int x, i, c;
    for (x = 0; x < WIDTH; x++, columns += stride) {
        int32_t value[CHANNELS], sum[CHANNELS];
        for (c = 0; c < CHANNELS; c++) sum[c] = HALF;
        for (i = 0; i < columns[1]; i++) {
            read(pixels, row + (size_t)(columns[0] + i), value);
            for (c = 0; c < CHANNELS; c++) sum[c] += columns[2 + i] * value[c];
        }
        for (c = 0; c < CHANNELS; c++) sums[x * CHANNELS + c] += weight * (sum[c] >> BITS);
    }
}

/* The part of an image that is taken, in whole pixels: $crop_text. */
static void central(int *left, int *top, int *width, int *height) {
    const double share = $crop; /* 0: the whole image */
    if (share > 0) {
        const double exact = (*width < *height ? *width : *height) * share;
        int side = (int)exact;
        if (exact - side > 0.5 || (exact - side == 0.5 && side % 2)) side++; /* half to even, as Python */
        if (side < 1) side = 1;
        *left = (*width - side) / 2;
        *top = (*height - side) / 2;
        *width = *height = side;
    }
}

static void convert(reader read, const void *pixels, int width, int height, int32_t *scratch, int8_t *input) {
    int left = 0, top = 0, wide = width, high = height, x, y, i;
    const int stride = 2 + ${NAME}_TAPS(width, WIDTH);
    int32_t *columns = scratch, *sums = columns + WIDTH * stride, *rows = sums + WIDTH * CHANNELS;
    central(&left, &top, &wide, &high);
    for (x = 0; x < WIDTH; x++) weigh(columns + x * stride, x, left, (double)wide / WIDTH, width);
    for (y = 0; y < HEIGHT; y++) {
        weigh(rows, y, top, (double)high / HEIGHT, height);
        for (i = 0; i < WIDTH * CHANNELS; i++) sums[i] = HALF;
        for (i = 0; i < rows[1]; i++)
            add_row(read, pixels, (size_t)(rows[0] + i) * (size_t)width, columns, stride, rows[2 + i], sums);
        for (i = 0; i < WIDTH * CHANNELS; i++)
            *input++ = (int8_t)((sums[i] >> BITS) + ${NAME}_INPUT_OFFSET);
    }
}

void ${name}_from_rgb888(const uint8_t *pixels, int width, int height, int32_t *scratch, int8_t *input) {
    convert(read_rgb888, pixels, width, height, scratch, input);
}

void ${name}_from_rgb565(const uint16_t *pixels, int width, int height, int32_t *scratch, int8_t *input) {
    convert(read_rgb565, pixels, width, height, scratch, input);
}
