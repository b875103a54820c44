OP(frequency)
OP(interval)
OP(find_symbol)
OP(digest)
