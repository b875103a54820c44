target_sources(ardm_ops PRIVATE elementwise/unary.c elementwise/binary.c elementwise/add_item.c elementwise/plan.c)
ardm_reference_sources(elementwise/maps.c)
ardm_embed_kernels(ardm_ops elementwise/add_item.cl)
