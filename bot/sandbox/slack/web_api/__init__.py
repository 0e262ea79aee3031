"""The Web API: one file per family of methods, and how a call is read and answered."""
