target_sources(ardm_ops PRIVATE likelihood/softmax_nll.c likelihood/mixture.c likelihood/mixture_nll.c likelihood/mixture_logits.c
                                likelihood/pixel.c likelihood/pixel_nll.c likelihood/pixel_logits.c
                                likelihood/children_host.c likelihood/children.c likelihood/mixture_children.c)
ardm_reference_sources(likelihood/softmax_rows.c likelihood/mixture_rows.c likelihood/pixel_rows.c likelihood/children_rows.c)
ardm_embed_kernels(ardm_ops likelihood/softmax.cl likelihood/mixture.cl likelihood/pixel.cl likelihood/children.cl
                   likelihood/mixture_children.cl)
