"""From the analysed graph to the `Program`: order, scopes, names, step names."""
