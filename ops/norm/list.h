OP(layer_norm)
OP(layer_norm_grad)
