OP(dropout)
