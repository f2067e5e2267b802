/* The probability of a class, as the file states it; it carries no temperature. */
static float probability(const int8_t *output, int index) {
    return (float)(output[index] - ${NAME}_OUTPUT_ZERO_POINT) * ${NAME}_OUTPUT_SCALE;
}
