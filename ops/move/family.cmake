target_sources(ardm_ops PRIVATE move/move.c move/gather.c move/pick.c move/strips.c move/streams.c move/blocks.c move/voids.c move/view.c)
ardm_embed_kernels(ardm_ops move/strips.cl move/gather.cl move/blocks.cl move/voids.cl)
