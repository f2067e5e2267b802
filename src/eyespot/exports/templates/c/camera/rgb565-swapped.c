    const uint32_t word = (uint32_t)row[at] >> 8 | ((uint32_t)row[at] & 255) << 8;
    const uint32_t red = word >> 11, green = word >> 5 & 63, blue = word & 31;
    return colour_of(red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2);
