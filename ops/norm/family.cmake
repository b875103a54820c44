target_sources(ardm_ops PRIVATE norm/norm.c norm/layer_norm.c norm/layer_norm_grad.c norm/group_norm.c norm/group_norm_grad.c norm/oracle.c)
ardm_reference_sources(norm/rows.c)
ardm_embed_kernels(ardm_ops norm/layer_cpu.cl norm/layer_gpu.cl norm/group_cpu.cl norm/group_gpu.cl)
