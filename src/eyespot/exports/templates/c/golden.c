/* What $title answers to generated pictures, by LiteRT's reference kernels; made by eyespot $version. */
#include <string.h>

#include "model.h"

const int8_t ${name}_golden_inputs[${NAME}_GOLDEN][${NAME}_INPUT_BYTES] = {
$golden_inputs
};

const int8_t ${name}_golden_outputs[${NAME}_GOLDEN][${NAME}_CLASSES] = {
$golden_outputs
};

const uint8_t ${name}_golden_camera[${NAME}_CAMERA_WIDTH * ${NAME}_CAMERA_HEIGHT * 3] = {
$golden_camera
};

int ${name}_verify_input(int32_t *scratch, int8_t *input) {
    int i, apart;
    ${name}_from_rgb888(${name}_golden_camera, ${NAME}_CAMERA_WIDTH, ${NAME}_CAMERA_HEIGHT, scratch, input);
    for (i = 0; i < ${NAME}_INPUT_BYTES; i++) {
        apart = input[i] - ${name}_golden_inputs[0][i];
        if (apart < -1 || apart > 1) return i;
    }
    return -1;
}

int ${name}_verify_output(${name}_run run, int picture) {
    int8_t output[${NAME}_CLASSES];
    int i;
    memset(output, 0, sizeof output);
    run(${name}_golden_inputs[picture], output);
    for (i = 0; i < ${NAME}_CLASSES; i++) {
        if (output[i] != ${name}_golden_outputs[picture][i]) return i;
    }
    return -1;
}

int ${name}_verify(${name}_run run) {
    int differ = 0, i;
    for (i = 0; i < ${NAME}_GOLDEN; i++) differ += ${name}_verify_output(run, i) >= 0;
    return differ;
}
