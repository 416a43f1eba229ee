"""Real JVMs next to real sidecars: the example nodes of ``java/``, launched in every way."""
