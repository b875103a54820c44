target_sources(ardm_ops PRIVATE random/dropout.c)
ardm_reference_sources(random/quads.c)
ardm_embed_kernels(ardm_ops random/dropout.cl)
