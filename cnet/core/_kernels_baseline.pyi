# A capsule "cnet.core.KernelTable" of the kernels compiled for baseline (layers.h).
capsule: object
