OP(interpolate)
