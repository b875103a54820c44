target_sources(ardm_ops PRIVATE corrupt/chain.c corrupt/corrupt.c corrupt/digit.c)
ardm_embed_kernels(ardm_ops corrupt/corrupt.cl)
