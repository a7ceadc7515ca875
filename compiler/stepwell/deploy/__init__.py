"""From compiled Workers to an account: what shall be, what is, the difference, and the way there."""
