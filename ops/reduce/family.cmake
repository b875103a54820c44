target_sources(ardm_ops PRIVATE reduce/columns.c reduce/tree.c reduce/sum.c)
ardm_reference_sources(reduce/sums.c)
ardm_embed_kernels(ardm_ops reduce/columns.cl reduce/tree.cl reduce/sum.cl)
