# Only C functions: see _gradient.pxd.
