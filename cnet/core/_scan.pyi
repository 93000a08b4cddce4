# Only C functions: see _scan.pxd.
