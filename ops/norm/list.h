OP(layer_norm)
OP(layer_norm_grad)
OP(group_norm)
OP(group_norm_grad)
