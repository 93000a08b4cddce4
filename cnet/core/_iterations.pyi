# Only C functions: see _iterations.pxd.
