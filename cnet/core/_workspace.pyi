# Only C functions: see _workspace.pxd.
