/* A camera's image to the input tensor: $crop_text, resized to $width x $height.
 * Images are at least 1 x 1, rows from the top without gaps; `scratch` has ${NAME}_SCRATCH(width, height)
 * elements. RGB565 has red in the high bits of a native 16-bit word.
 */
#define ${NAME}_TAPS(from, to) ((from) > (to) ? 2 * (((from) + (to) - 1) / (to)) + 1 : 3)
#define ${NAME}_SCRATCH(width, height) \
    (${NAME}_WIDTH * (2 + ${NAME}_TAPS(width, ${NAME}_WIDTH)) + 2 + ${NAME}_TAPS(height, ${NAME}_HEIGHT) + \
     ${NAME}_WIDTH * ${NAME}_CHANNELS)
void ${name}_from_rgb888(const uint8_t *pixels, int width, int height, int32_t *scratch, int8_t *input);
void ${name}_from_rgb565(const uint16_t *pixels, int width, int height, int32_t *scratch, int8_t *input);

/* The golden check of it: the index of the first value that differs by more than 1 for a picture of a camera, -1 if none
 * does.
 */
#define ${NAME}_CAMERA_WIDTH $camera_width
#define ${NAME}_CAMERA_HEIGHT $camera_height
extern const uint8_t ${name}_golden_camera[${NAME}_CAMERA_WIDTH * ${NAME}_CAMERA_HEIGHT * 3];
int ${name}_verify_input(int32_t *scratch, int8_t *input);
