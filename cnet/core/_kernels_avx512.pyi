# A capsule "cnet.core.KernelTable" of the kernels compiled for avx512 (stack.h).
capsule: object
