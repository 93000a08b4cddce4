# Only C functions: see _apply.pxd.
