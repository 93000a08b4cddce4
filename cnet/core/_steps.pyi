# Only C functions: see _steps.pxd.
