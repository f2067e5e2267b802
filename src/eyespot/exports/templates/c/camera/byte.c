/* 256ths as a whole number from 0 to 255. */
static inline uint32_t byte(int value) {
    return value < 0 ? 0 : value > 65535 ? 255 : (uint32_t)value >> 8;
}
