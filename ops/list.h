/* Every op, a line each: OP(name) stands for the table ardm_op_name. No include guard: it is expanded several times. */
#if !defined(ARDM_WITHOUT_elementwise) && __has_include("elementwise/list.h")
#include "elementwise/list.h"
#endif
#if !defined(ARDM_WITHOUT_reduce) && __has_include("reduce/list.h")
#include "reduce/list.h"
#endif
#if !defined(ARDM_WITHOUT_matmul) && __has_include("matmul/list.h")
#include "matmul/list.h"
#endif
#if !defined(ARDM_WITHOUT_conv) && __has_include("conv/list.h")
#include "conv/list.h"
#endif
#if !defined(ARDM_WITHOUT_norm) && __has_include("norm/list.h")
#include "norm/list.h"
#endif
#if !defined(ARDM_WITHOUT_softmax) && __has_include("softmax/list.h")
#include "softmax/list.h"
#endif
#if !defined(ARDM_WITHOUT_attention) && __has_include("attention/list.h")
#include "attention/list.h"
#endif
#if !defined(ARDM_WITHOUT_embed) && __has_include("embed/list.h")
#include "embed/list.h"
#endif
#if !defined(ARDM_WITHOUT_move) && __has_include("move/list.h")
#include "move/list.h"
#endif
#if !defined(ARDM_WITHOUT_corrupt) && __has_include("corrupt/list.h")
#include "corrupt/list.h"
#endif
#if !defined(ARDM_WITHOUT_features) && __has_include("features/list.h")
#include "features/list.h"
#endif
#if !defined(ARDM_WITHOUT_likelihood) && __has_include("likelihood/list.h")
#include "likelihood/list.h"
#endif
#if !defined(ARDM_WITHOUT_frequency) && __has_include("frequency/list.h")
#include "frequency/list.h"
#endif
#if !defined(ARDM_WITHOUT_optimiser) && __has_include("optimiser/list.h")
#include "optimiser/list.h"
#endif
