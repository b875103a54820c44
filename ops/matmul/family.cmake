target_sources(ardm_ops PRIVATE matmul/matmul.c matmul/matmul_grad.c matmul/product.c matmul/oracle.c)
ardm_reference_sources(matmul/block.c)
ardm_embed_kernels(ardm_ops matmul/cpu.cl matmul/gpu.cl)
