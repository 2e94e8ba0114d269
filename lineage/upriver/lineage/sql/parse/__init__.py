"""SQL as text: parsed, translated, canonical, with the tables and files that it names."""
