OP(attention)
OP(attention_grad)
