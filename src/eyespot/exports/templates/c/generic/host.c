/* Pictures of $picture_width x $picture_height in the file of the first argument to tensors in that of the second. */
#include <stdio.h>

#include "model.h"

static uint8_t pixels[$picture_width * $picture_height * 3];
static int32_t scratch[${NAME}_SCRATCH($picture_width, $picture_height)];
static int8_t input[${NAME}_INPUT_BYTES];

int main(int count, char **paths) {
    FILE *from = count == 3 ? fopen(paths[1], "rb") : NULL;
    FILE *to = count == 3 ? fopen(paths[2], "wb") : NULL;
    if (!from || !to) return 1;
    while (fread(pixels, sizeof pixels, 1, from) == 1) {
        ${name}_from_rgb888(pixels, $picture_width, $picture_height, scratch, input);
        if (fwrite(input, sizeof input, 1, to) != 1) return 1;
    }
    return fclose(to) != 0;
}
