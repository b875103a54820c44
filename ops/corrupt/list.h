OP(corrupt)
OP(digit)
