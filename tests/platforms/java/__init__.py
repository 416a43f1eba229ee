"""Real JVMs next to real sidecars: the example nodes of ``java/``, launched in every way.

Belongs here: what depends on a JVM. Forbidden here: tests of the Java library alone; those are JUnit tests.
"""
