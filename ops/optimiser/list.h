OP(square_sum)
OP(clip_factor)
OP(adam)
OP(stack)
