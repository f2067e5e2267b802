/* What $title answers to generated pictures, by LiteRT's reference kernels; made by eyespot $version. */
#include <string.h>

#include "model.h"

const int8_t ${name}_golden_inputs[${NAME}_GOLDEN][${NAME}_INPUT_BYTES] = {
$golden_inputs
};

const int8_t ${name}_golden_outputs[${NAME}_GOLDEN][${NAME}_CLASSES] = {
$golden_outputs
};

int ${name}_verify(${name}_run run) {
    int8_t output[${NAME}_CLASSES];
    int differ = 0, i;
    for (i = 0; i < ${NAME}_GOLDEN; i++) {
        memset(output, 0, sizeof output);
        run(${name}_golden_inputs[i], output);
        differ += memcmp(output, ${name}_golden_outputs[i], sizeof output) != 0;
    }
    return differ;
}
