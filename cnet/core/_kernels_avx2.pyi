# A capsule "cnet.core.KernelTable" of the kernels compiled for avx2 (layers.h).
capsule: object
