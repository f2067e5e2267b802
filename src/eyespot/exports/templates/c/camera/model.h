/* A frame of the camera, $camera_width x $camera_height pixels in $format, rows from the top without gaps, to the input
 * tensor: $crop_text, resized to $width x $height. $format_text
 * It keeps $state bytes of its own, so that one thread at a time may call it.
 */
typedef $pixel_type ${name}_pixel;
#define ${NAME}_CAMERA_WIDTH $camera_width
#define ${NAME}_CAMERA_HEIGHT $camera_height
#define ${NAME}_CAMERA_STRIDE (${NAME}_CAMERA_WIDTH * $per_pixel)
#define ${NAME}_CAMERA_SIZE (${NAME}_CAMERA_STRIDE * ${NAME}_CAMERA_HEIGHT)
void ${name}_from_camera(const ${name}_pixel *frame, int8_t *input);

/* The golden check of it: fills `frame` with a pattern and gives the index of the first value of the tensor that differs
 * by more than 1 from what Python makes of it, -1 if none does.
 */
int ${name}_verify_input(${name}_pixel *frame, int8_t *input);
