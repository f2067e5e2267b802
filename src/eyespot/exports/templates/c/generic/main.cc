constexpr int kWidth = 320, kHeight = 240;  // what your camera gives
uint16_t frame[kWidth * kHeight];           // RGB565; fill it from the camera
int32_t scratch[${NAME}_SCRATCH(kWidth, kHeight)];
