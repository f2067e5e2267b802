/* Whether $title is sure enough of an answer, made by eyespot $version. */
#include "model.h"

$probability

int ${name}_decide(const int8_t *output, float min_confidence, float *confidence) {
    int best = 0, i;
    for (i = 1; i < ${NAME}_CLASSES; i++) best = output[i] > output[best] ? i : best;
    *confidence = probability(output, best);
    return *confidence < min_confidence ? -1 : best;
}
