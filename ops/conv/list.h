OP(conv)
OP(conv_grad_x)
OP(conv_grad_w)
