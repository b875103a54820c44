target_sources(ardm_ops PRIVATE softmax/softmax.c)
ardm_reference_sources(softmax/rows.c)
ardm_embed_kernels(ardm_ops softmax/cpu.cl softmax/gpu.cl)
