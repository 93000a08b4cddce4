# A capsule "cnet.core.KernelTable" of the kernels compiled for baseline (stack.h).
capsule: object
