/* Element `e` of row `y` of the pattern: 8 x 8 fields, each of its own colour, with noise. */
static ${name}_pixel element(uint32_t e, uint32_t y) {
    const uint32_t field = y * 8 / ${NAME}_CAMERA_HEIGHT * 8 + e * 8 / ${NAME}_CAMERA_STRIDE;
    uint32_t mixed = (field * $unit + e % $unit + 1) * 2654435761u;
    mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6Du;
    return (${name}_pixel)((mixed >> 16) + (e * 13 + y * 7) % 32);
}

int ${name}_verify_input(${name}_pixel *frame, int8_t *input) {
    int i, apart;
    for (i = 0; i < ${NAME}_CAMERA_SIZE; i++)
        frame[i] = element((uint32_t)(i % ${NAME}_CAMERA_STRIDE), (uint32_t)(i / ${NAME}_CAMERA_STRIDE));
    ${name}_from_camera(frame, input);
    for (i = 0; i < ${NAME}_INPUT_BYTES; i++) {
        apart = input[i] - ${name}_golden_inputs[0][i];
        if (apart < -1 || apart > 1) return i;
    }
    return -1;
}
