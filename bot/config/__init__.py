"""`tiphys.yaml`: its shape, its meaning, and what is wrong with it."""
