"""Priority and fairness: which requests are answered at once, which wait, which are refused, and in what order they go."""
