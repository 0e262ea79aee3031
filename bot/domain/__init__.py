"""Pure, frozen values and functions: no I/O, no clock, no other folder."""
