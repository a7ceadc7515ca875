"""What is known of a graph: regions, references, rules. Yields diagnostics, never text."""
