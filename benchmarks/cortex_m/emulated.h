/* What a program on an emulated Cortex-M needs: lines by semihosting, and ticks of SysTick. */
#include <stdint.h>

void put(const char *text);
void put_number(uint32_t number);
uint32_t ticks_since(uint32_t start); /* up to 2^24 */
uint32_t now(void);
