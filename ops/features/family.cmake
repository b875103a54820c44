target_sources(ardm_ops PRIVATE features/interpolate.c)
ardm_reference_sources(features/interpolate_rows.c)
ardm_embed_kernels(ardm_ops features/interpolate.cl)
