# A capsule "cnet.core.KernelTable" of the table of kernels (stack.h).
capsule: object
