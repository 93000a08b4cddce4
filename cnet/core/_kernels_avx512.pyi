# A capsule "cnet.core.KernelTable" of the kernels compiled for avx512 (layers.h).
capsule: object
