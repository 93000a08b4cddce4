# Only C functions: see capi.pxd.
