target_sources(ardm_ops PRIVATE frequency/row.c frequency/frequency.c frequency/read.c frequency/oracle.c)
ardm_embed_kernels(ardm_ops frequency/frequency.cl)
