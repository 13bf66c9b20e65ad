"""Articles in, a searchable generation out."""
