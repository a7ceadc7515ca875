"""What editors of graphs ask: what can be referenced at a node, which nodes there are, and edits that break nothing."""
