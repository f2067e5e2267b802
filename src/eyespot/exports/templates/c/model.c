/* $title: int8 image classifier, made by eyespot $version. File sha256: $sha256 */
#include "model.h"

#if defined(__GNUC__) || defined(__clang__) || defined(__ICCARM__)
#define ALIGNED_16 __attribute__((aligned(16)))
#elif defined(_MSC_VER)
#define ALIGNED_16 __declspec(align(16))
#else
#error "say here how this compiler aligns an array to 16 bytes"
#endif

const char *const ${name}_classes[${NAME}_CLASSES] = {
$class_names
};

const size_t ${name}_model_size = $size;

ALIGNED_16 const unsigned char ${name}_model[$size] = {
$bytes
};
