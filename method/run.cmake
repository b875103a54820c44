# What drives graphs: examples, the trainer, the evaluator, walks and the coder.
target_sources(ardm_method PRIVATE recipe.c objective.c example.c session.c guard.c bound.c walk.c coder.c tiling.c compress.c decompress.c budget.c dataset.c predictor.c sampler.c confidence.c trainer.c rate.c best.c flushed.c checkpoint.c export.c replicas.c replicas_step.c)
target_link_libraries(ardm_method PUBLIC ardm_graphs)
# Reports: the diffusion chain and calibration.
target_sources(ardm_method PRIVATE ask.c chain.c calibration.c calibrate.c)
