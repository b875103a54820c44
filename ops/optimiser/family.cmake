target_sources(ardm_ops PRIVATE optimiser/adam.c optimiser/count.c optimiser/norm.c optimiser/stack.c)
ardm_reference_sources(optimiser/loops.c)
ardm_embed_kernels(ardm_ops optimiser/adam.cl optimiser/count.cl optimiser/norm.cl optimiser/stack.cl)
