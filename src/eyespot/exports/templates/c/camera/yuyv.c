    /* Bytes Y, U, Y, V for two pixels, ITU-R BT.601 with Y from 16 to 235, in 256ths. */
    const int u = row[(at | 1) * 2 - 1] - 128, v = row[(at | 1) * 2 + 1] - 128, y = 298 * (row[2 * at] - 16) + 128;
    return colour_of(byte(y + 409 * v), byte(y - 100 * u - 208 * v), byte(y + 516 * u));
