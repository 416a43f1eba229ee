"""The driver, the image and the stack of compose/ on a real Docker engine; `tools/test-docker` runs them.

Belongs here: what only an engine can show. Forbidden here: the driver against a fake engine
(`tests.adapters.restart.drivers`).
"""
