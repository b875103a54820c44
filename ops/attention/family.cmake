target_sources(ardm_ops PRIVATE attention/extents.c attention/attention.c attention/attention_grad.c attention/oracle.c)
ardm_reference_sources(attention/rows.c)
ardm_embed_kernels(ardm_ops attention/cpu.cl attention/gpu.cl attention/grad_cpu.cl attention/grad_gpu.cl)
