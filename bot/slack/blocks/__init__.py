"""Pure renderers: a value in, Block Kit out."""
