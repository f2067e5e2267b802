/* The softmax of outputs that are logits: e to the power of minus 0 to 255 steps of them, at the temperature
 * $temperature.
 */
static const float powers[256] = {
$powers
};

static float probability(const int8_t *output, int index) {
    float sum = 0;
    int most = output[0], i;
    for (i = 1; i < ${NAME}_CLASSES; i++) most = output[i] > most ? output[i] : most;
    for (i = 0; i < ${NAME}_CLASSES; i++) sum += powers[most - output[i]];
    return powers[most - output[index]] / sum;
}
