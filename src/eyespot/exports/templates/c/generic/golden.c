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
