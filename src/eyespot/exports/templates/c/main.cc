// $title on TensorFlow Lite for Microcontrollers: the golden check, then one image. Made by eyespot $version.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "model.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

constexpr int kWidth = 320, kHeight = 240;  // what your camera gives
uint16_t frame[kWidth * kHeight];           // RGB565; fill it from the camera
int32_t scratch[${NAME}_SCRATCH(kWidth, kHeight)];
int8_t image[${NAME}_INPUT_BYTES], scores[${NAME}_CLASSES];
alignas(16) uint8_t arena[${NAME}_ARENA_BYTES];
tflite::MicroInterpreter *interpreter;

void Run(const int8_t *input, int8_t *output) {
  std::memcpy(interpreter->input(0)->data.int8, input, ${NAME}_INPUT_BYTES);
  if (interpreter->Invoke() != kTfLiteOk) return;  // the golden check tells
  std::memcpy(output, interpreter->output(0)->data.int8, ${NAME}_CLASSES);
}

}  // namespace

int main() {
  static tflite::MicroMutableOpResolver<${NAME}_OPERATORS> resolver;
  ${NAME}_ADD_OPERATORS(resolver);
  static tflite::MicroInterpreter made(tflite::GetModel(${name}_model), resolver, arena, sizeof(arena));
  if (made.AllocateTensors() != kTfLiteOk) {
    std::printf("the arena of %u bytes is too small\n", static_cast<unsigned>(sizeof(arena)));
    return 1;
  }
  interpreter = &made;
  int at = ${name}_verify_input(scratch, image);
  if (at >= 0) std::printf("pixels to tensor: value %d differs first\n", at);
  for (int i = 0; i < ${NAME}_GOLDEN; i++) {
    at = ${name}_verify_output(Run, i);
    if (at >= 0) std::printf("tensor to output: picture %d, class %d differs first\n", i, at);
  }
  std::printf("%d of %d golden pictures differ\n", ${name}_verify(Run), ${NAME}_GOLDEN);

  ${name}_from_rgb565(frame, kWidth, kHeight, scratch, image);
  Run(image, scores);
  float confidence;
  const int answer = ${name}_decide(scores, ${NAME}_MIN_CONFIDENCE, &confidence);
  std::printf("%s %.3f\n", answer < 0 ? "none of these" : ${name}_classes[answer], static_cast<double>(confidence));
  return 0;
}
