target_sources(ardm_ops PRIVATE embed/embed.c embed/embed_grad.c embed/context_ids.c embed/sinusoids.c)
ardm_reference_sources(embed/rows.c)
ardm_embed_kernels(ardm_ops embed/embed.cl embed/features.cl)
