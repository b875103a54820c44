target_sources(ardm_ops PRIVATE conv/conv.c conv/conv_grad_x.c conv/conv_grad_w.c conv/plan.c conv/oracle.c)
ardm_embed_kernels(ardm_ops conv/cpu.cl conv/gpu.cl)
