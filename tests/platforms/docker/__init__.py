"""A real Docker engine: the driver, the image, and the stack of compose/. `tools/test-docker` runs them."""
