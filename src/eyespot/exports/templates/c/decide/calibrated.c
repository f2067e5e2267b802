/* What the output values -128 to 127 stand for, to the power of 1 / $temperature, in parts of the largest. */
static const float powers[256] = {
$powers
};

/* The probability of a class at the temperature $temperature. */
static float probability(const int8_t *output, int index) {
    float sum = 0;
    int i;
    for (i = 0; i < ${NAME}_CLASSES; i++) sum += powers[output[i] + 128];
    return powers[output[index] + 128] / sum;
}
