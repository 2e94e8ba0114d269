"""Looking at data: queries, previews, profiles, comparisons, the warehouse file."""
