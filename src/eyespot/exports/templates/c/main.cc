// $title on TensorFlow Lite for Microcontrollers: the golden check, then frames. Made by eyespot $version.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "model.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_time.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

constexpr int kFrames = 20;
$buffers
int8_t image[${NAME}_INPUT_BYTES], scores[${NAME}_CLASSES];
alignas(16) uint8_t arena[${NAME}_ARENA_BYTES];
tflite::MicroInterpreter *interpreter;

// A clock. Where TFLM has none for your board, put yours here: README.md has the line for your SDK.
uint32_t Microseconds() {
  const uint64_t rate = tflite::ticks_per_second();
  return rate ? static_cast<uint32_t>(tflite::GetCurrentTimeTicks() * UINT64_C(1000000) / rate) : 0;
}

void Report(const char *what, uint32_t start) {
  const uint32_t end = Microseconds();
  if (end != 0) std::printf("eyespot: %s %lu us\n", what, static_cast<unsigned long>(end - start));
}

void Run(const int8_t *input, int8_t *output) {
  std::memcpy(interpreter->input(0)->data.int8, input, ${NAME}_INPUT_BYTES);
  if (interpreter->Invoke() != kTfLiteOk) return;  // the golden check shows it
  std::memcpy(output, interpreter->output(0)->data.int8, ${NAME}_CLASSES);
}

void Check() {
  int at = ${name}_verify_input($checked, image);
  if (at >= 0) std::printf("pixels to tensor: value %d differs first\n", at);
  for (int i = 0; i < ${NAME}_GOLDEN; i++) {
    at = ${name}_verify_output(Run, i);
    if (at >= 0) std::printf("tensor to output: picture %d, class %d differs first\n", i, at);
  }
  std::printf("%d of %d golden pictures differ\n", ${name}_verify(Run), ${NAME}_GOLDEN);
}

void Classify() {
  uint32_t start = Microseconds();
  $convert;
  Report("preprocess", start);
  start = Microseconds();
  Run(image, scores);
  Report("invoke", start);
  float confidence;
  const int answer = ${name}_decide(scores, ${NAME}_MIN_CONFIDENCE, &confidence);
  const int parts = static_cast<int>(1000 * confidence + 0.5f);  // printf needs no floating point
  std::printf("%s %d.%d %%\n", answer < 0 ? "none of these" : ${name}_classes[answer], parts / 10, parts % 10);
}

}  // namespace

int main() {
  static tflite::MicroMutableOpResolver<${NAME}_OPERATORS> resolver;
  ${NAME}_ADD_OPERATORS(resolver);
  static tflite::MicroInterpreter made(tflite::GetModel(${name}_model), resolver, arena, sizeof(arena));
  interpreter = &made;
  if (made.AllocateTensors() != kTfLiteOk) {
    std::printf("the arena of %u bytes is too small\n", static_cast<unsigned>(sizeof(arena)));
    return 1;
  }
  std::printf("arena: %u of %u bytes\n", static_cast<unsigned>(made.arena_used_bytes()),
              static_cast<unsigned>(sizeof(arena)));
  Check();
  if (Microseconds() == 0) std::printf("no clock: README.md has the line for your SDK\n");
  for (int i = 0; i < kFrames; i++) Classify();
  return 0;
}
