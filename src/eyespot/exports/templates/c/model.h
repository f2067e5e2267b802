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
#define ${NAME}_INPUT_BYTES (${NAME}_WIDTH * ${NAME}_HEIGHT * ${NAME}_CHANNELS)
#define ${NAME}_CLASSES $classes
/* input = pixel + this, with pixels from 0 to 255 */
#define ${NAME}_INPUT_OFFSET (-128)

/* real = (stored - zero point) * scale */
#define ${NAME}_INPUT_SCALE ${input_scale}f
#define ${NAME}_INPUT_ZERO_POINT ($input_zero_point)
#define ${NAME}_OUTPUT_SCALE ${output_scale}f
#define ${NAME}_OUTPUT_ZERO_POINT ($output_zero_point)

/* TensorFlow Lite for Microcontrollers, measured on a 64-bit host, whose pointers need more than yours */
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

$preprocessing

/* The model on your board: an input tensor to an output tensor of ${NAME}_CLASSES values. */
typedef void (*${name}_run)(const int8_t *input, int8_t *output);

/* The most probable class, or -1 for none of these: if its probability, 0 to 1, is below `min_confidence`.
 * Its probability is stored in `confidence`.
 */
#define ${NAME}_MIN_CONFIDENCE ${min_confidence}f
int ${name}_decide(const int8_t *output, float min_confidence, float *confidence);

/* The golden check of the model: the first class for which `run` differs from LiteRT's reference kernels, -1 if none
 * does; and how many pictures differ.
 */
#define ${NAME}_GOLDEN $golden
extern const int8_t ${name}_golden_inputs[${NAME}_GOLDEN][${NAME}_INPUT_BYTES];
extern const int8_t ${name}_golden_outputs[${NAME}_GOLDEN][${NAME}_CLASSES];
int ${name}_verify_output(${name}_run run, int picture);
int ${name}_verify(${name}_run run);

#ifdef __cplusplus
}
#endif

#endif
