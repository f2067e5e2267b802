/* What $title answers to generated pictures, by LiteRT's reference kernels; made by eyespot $version. */
#include <string.h>

#include "model.h"

const int8_t ${name}_golden_inputs[${NAME}_GOLDEN][${NAME}_INPUT_BYTES] = {
$golden_inputs
};

const int8_t ${name}_golden_outputs[${NAME}_GOLDEN][${NAME}_CLASSES] = {
$golden_outputs
};

$verify_input

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
