# Else only C functions: see _scan.pxd.

sparse_density: float
