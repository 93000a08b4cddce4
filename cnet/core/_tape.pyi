# Only C functions: see _tape.pxd.
