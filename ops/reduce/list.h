OP(column_sum)
OP(tree_sum)
OP(position_sum)
OP(sum)
