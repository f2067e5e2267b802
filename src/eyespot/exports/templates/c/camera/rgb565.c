    const uint32_t word = row[at], red = word >> 11, green = word >> 5 & 63, blue = word & 31;
    return colour_of(red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2);
