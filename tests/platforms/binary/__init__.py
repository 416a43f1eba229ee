"""The standalone binary in root file systems without Python; `tools/test-binary` runs these tests.

Belongs here: what differs from the package, or could. Forbidden here: behaviour that the package shows as
well.
"""
