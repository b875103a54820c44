OP(softmax)
OP(softmax_grad)
