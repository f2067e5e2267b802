    return colour_of(row[at], row[at], row[at]);
