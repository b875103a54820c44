/* ardm/op_case.h (ops): a case of an op made concrete: shapes, attributes and deterministic inputs, and ways to run it.
 *
 * Tests, the probe, the benchmark and the tuner run the same cases. A case's inputs are a pure function of the op's name and
 * the case's place in its list, made with integers and single roundings, so their bytes are the same everywhere.
 *
 * Operand text beyond op.h: "{0:16!}" asks for distinct integers along the last extent. */
#ifndef ARDM_OP_CASE_H
#define ARDM_OP_CASE_H

#include "ardm/op.h"

typedef struct ardm_case_data {
    const ardm_op *op;
    uint32_t index; /* of the case in op->cases */
    ardm_call call; /* complete but for x and y */
    ardm_shape in[ARDM_MAX_OPERANDS], out[ARDM_MAX_OPERANDS];
    ardm_attr_value attrs[ARDM_MAX_ATTRS];
    void *inputs[ARDM_MAX_OPERANDS]; /* host memory; NULL where the operand is absent */
    void *wide[ARDM_MAX_OPERANDS];   /* the same with f32 as double, made by the first ardm_case_oracle */
} ardm_case_data;

/* Makes case `index` of `op`; ARDM_EINVAL when its text is wrong, ARDM_ESHAPE when its shapes do not fit. */
ardm_status ardm_case_open(ardm_case_data **out, const ardm_op *op, uint32_t index);
/* The same from text that is in no list (benchmarks). `index` only seeds the inputs. */
ardm_status ardm_case_open_text(ardm_case_data **out, const ardm_op *op, const char *inputs, const char *attrs, uint32_t index);
void ardm_case_close(ardm_case_data **data);

/* Fresh host memory for all outputs (f64 instead of f32 when `oracle`), every byte 0xFF; free each with free(). */
ardm_status ardm_case_outputs(void **outputs, const ardm_case_data *data, int32_t oracle);
void ardm_case_free_outputs(void **outputs, const ardm_case_data *data);

/* Runs the C reference, or the double-precision oracle over the inputs widened to double. */
ardm_status ardm_case_reference(const ardm_case_data *data, void *const *outputs);
ardm_status ardm_case_oracle(ardm_case_data *data, void *const *outputs);

/* 64-bit digest of the reference's outputs over all cases of an op: XXH64 over (length, bytes) of each in order. */
ardm_status ardm_case_digest(uint64_t *out, const ardm_op *op);

/* One variant on one device, its buffers and launches kept so that it can run many times.
 *   facts   what the plan is told of the device; NULL: the truth (tests plan GPU variants for several group sizes on a CPU)
 *   guard   not 0: a poisoned zone follows each operand and is looked at after a run; 0: buffers of exactly the
 *           operand's size, for checkers that watch bounds themselves */
typedef struct ardm_case_run ardm_case_run;
ardm_status ardm_case_run_open(ardm_case_run **out, const ardm_case_data *data, const ardm_variant *variant, ardm_device *device,
                               const ardm_device_facts *facts, int32_t guard);
/* Poisons outputs, workspaces and the guard zones, runs the launches and reads the outputs. ARDM_EDEVICE names a guard zone that changed. */
ardm_status ardm_case_run_outputs(ardm_case_run *run, void *const *outputs);
/* Enqueues the launches alone; the caller finishes the queue. */
ardm_status ardm_case_run_enqueue(ardm_case_run *run);
uint32_t ardm_case_run_launches(const ardm_case_run *run);
uint64_t ardm_case_run_workspace(const ardm_case_run *run);
void ardm_case_run_close(ardm_case_run **run);

#endif
