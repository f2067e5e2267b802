    return colour_of(row[3 * at + 2], row[3 * at + 1], row[3 * at]);
