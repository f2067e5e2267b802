/* $title: int8 image classifier, made by eyespot $version.
 * File sha256: $sha256
 * Input: $width x $height x $channels ($order), one int8 for each value: pixel - 128, rows from the top.
 */
#ifndef ${NAME}_MODEL_H
#define ${NAME}_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${NAME}_WIDTH $width
#define ${NAME}_HEIGHT $height
#define ${NAME}_CHANNELS $channels
#define ${NAME}_CLASSES $classes

/* real = (stored - zero point) * scale */
#define ${NAME}_INPUT_SCALE ${input_scale}f
#define ${NAME}_INPUT_ZERO_POINT ($input_zero_point)
#define ${NAME}_OUTPUT_SCALE ${output_scale}f
#define ${NAME}_OUTPUT_ZERO_POINT ($output_zero_point)

/* TensorFlow Lite for Microcontrollers: $arena_source */
#define ${NAME}_ARENA_BYTES $arena

/* Every operator of the model: MicroMutableOpResolver<${NAME}_OPERATORS> r; ${NAME}_ADD_OPERATORS(r); */
#define ${NAME}_OPERATORS $operator_count
#define ${NAME}_ADD_OPERATORS(resolver) \
    do { \
$operators
    } while (0)

extern const unsigned char ${name}_model[];
extern const size_t ${name}_model_size;
extern const char *const ${name}_classes[${NAME}_CLASSES];

#ifdef __cplusplus
}
#endif

#endif
