# Only C functions: see _stages.pxd.
