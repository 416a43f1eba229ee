"""The packages, built and installed in virtual environments of their own."""
